/** Opcodes of pickle's language that are refused, by what Python's `pickletools` calls them: for the message. */
export const REFUSED_OPCODES: Readonly<Record<number, string>> = {
  0x69: 'INST', 0x6f: 'OBJ', 0x92: 'NEWOBJ_EX', 0x93: 'STACK_GLOBAL', 0x82: 'EXT1', 0x83: 'EXT2', 0x84: 'EXT4',
  0x95: 'FRAME', 0x94: 'MEMOIZE', 0x8c: 'SHORT_BINUNICODE', 0x90: 'ADDITEMS', 0x91: 'FROZENSET',
  0x42: 'BINBYTES', 0x43: 'SHORT_BINBYTES', 0x54: 'BINSTRING', 0x50: 'PERSID', 0x49: 'INT', 0x4c: 'LONG', 0x8b: 'LONG4', 0x53: 'STRING',
}
