import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { contentsOf } from '../../../src/models/checkpoint-contents.js'
import { fromTimm } from '../../../src/models/regnet.js'
import { PickleDict, PickleGlobal, PickleObject, PickleTuple } from '../../../src/formats/pth/pickle-values.js'
import { pickle, PythonFloat, PythonTuple } from '../../../src/formats/pth/pickle-writer.js'
import { PthFile } from '../../../src/formats/pth/pth.js'
import { writePth } from '../../../src/formats/pth/pth-writer.js'
import type { Tensor } from '../../../src/formats/tensor.js'
import { TorchTensor } from '../../../src/formats/pth/torch-tensor.js'
import { makeZip } from '../../helpers/files/make-zip.mjs'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const tensor = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor => ({ dtype: 'float32', shape, data: new Uint8Array(Float32Array.from(values).buffer) })

/** Opens bytes as a file. */
async function open(bytes: Uint8Array): Promise<{ readonly value: unknown; readonly code?: string; readonly message?: string }> {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'a.pth')
  await writeFile(path, bytes)
  try {
    await using file = await PthFile.open(path)
    return { value: file.value }
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return { value: undefined, code, message: message.replace(path, 'FILE') }
  }
}

/** A pickle of protocol 2, from opcodes and texts. */
const PROTO = '\x80\x02'
const bytes = (...parts: readonly string[]): Buffer => Buffer.from(parts.join(''), 'latin1')
const text = (value: string): string => `X${String.fromCharCode(value.length, 0, 0, 0)}${value}`
const FLOATS = `ctorch\nFloatStorage\n`
const storage = (key = '0', count = '\x04', type = FLOATS): string => `(${text('storage')}${type}${text(key)}${text('cpu')}K${count}tQ`
const rebuild = (parts: { storage?: string; offset?: string; shape?: string; strides?: string } = {}): string =>
  `ctorch._utils\n_rebuild_tensor_v2\n(${parts.storage ?? storage()}${parts.offset ?? 'K\x00'}${parts.shape ?? 'K\x04\x85'}${parts.strides ?? 'K\x01\x85'}\x89ccollections\nOrderedDict\n)RtR`
const stateDict = (value: string): string => `${PROTO}}${text('w')}${value}s.`
const zipOf = (data: Buffer, options: { readonly deflate?: boolean; readonly damage?: boolean; readonly extra?: Record<string, string | Buffer> } = {}): Buffer => makeZip({ 'a/data.pkl': data, 'a/data/0': Buffer.alloc(16), ...options.extra }, options)

interface Descriptor {
  readonly signature: string
  readonly crc: number
  readonly size: number
  readonly more: string
}

/** An archive as PyTorch writes it, with what a header tells behind the data; as wrong as is asked for. */
function withDescriptors(data: Buffer, { signature = 'PK\x07\x08', crc, size, more = '' }: Partial<Descriptor>): Buffer {
  const parts = [['a/data.pkl', data], ['a/data/0', Buffer.alloc(16)]] as const
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const [name, content] of parts) {
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(8, 6)
    local.writeUInt16LE(name.length, 26)
    const descriptor = Buffer.alloc(12)
    descriptor.writeUInt32LE(crc ?? crc32(content), 0)
    descriptor.writeUInt32LE(size ?? content.length, 4)
    descriptor.writeUInt32LE(size ?? content.length, 8)
    const whole = Buffer.concat([local, Buffer.from(name), content, Buffer.from(signature), descriptor, Buffer.from(more)])
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(8, 8)
    entry.writeUInt32LE(crc32(content), 16)
    entry.writeUInt32LE(content.length, 20)
    entry.writeUInt32LE(content.length, 24)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(offset, 42)
    central.push(Buffer.concat([entry, Buffer.from(name)]))
    locals.push(whole)
    offset += whole.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(2, 8)
  end.writeUInt16LE(2, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

describe('what is written is read again', () => {
  test('dicts, lists, tuples, numbers and tensors of any shape', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'x.pth')
    await writePth(path, new Map<string, never>([
      ['w', tensor([1, 2, 3, 4, 5, 6], [3, 2])], ['scalar', tensor([7], [])], ['none', tensor([], [0, 3])],
      ['rest', [1, -1, 300, 70_000, 2 ** 40, -(2 ** 40), 0.5, new PythonFloat(2), true, false, null, 'ü', new PythonTuple([1, 'a']), new Map([[0, 'zero']])]],
    ] as never))
    await using file = await PthFile.open(path)
    const value = file.value as PickleDict
    const load = (name: string) => (value.get(name) as TorchTensor).load()
    expect(await load('w')).toEqual(tensor([1, 2, 3, 4, 5, 6], [3, 2]))
    expect(await load('scalar')).toEqual(tensor([7], []))
    expect(await load('none')).toEqual(tensor([], [0, 3]))
    const rest = value.get('rest') as unknown[]
    expect(rest.slice(0, 12)).toEqual([1, -1, 300, 70_000, 2 ** 40, -(2 ** 40), 0.5, 2, true, false, null, 'ü'])
    expect(rest[12]).toEqual(new PickleTuple([1, 'a']))
    expect([...(rest[13] as PickleDict)]).toEqual([[0, 'zero']])
  })

  test('parts begin on multiples of 64, and equal values give equal files', async () => {
    const { bytes: first, storages } = pickle(new Map([['w', tensor([1])]]))
    expect([...first]).toEqual([...pickle(new Map([['w', tensor([1])]])).bytes])
    expect(storages).toHaveLength(1)
  })
})

describe('tensors are views of storages', () => {
  test.each<[string, Parameters<typeof rebuild>[0], number[]]>([
    ['whole', {}, [1, 2, 3, 4]],
    ['from an offset', { offset: 'K\x01', shape: 'K\x02\x85' }, [2, 3]],
    ['every other', { shape: 'K\x02\x85', strides: 'K\x02\x85' }, [1, 3]],
    ['turned', { shape: 'K\x02K\x02\x86', strides: 'K\x01K\x02\x86' }, [1, 3, 2, 4]],
    ['repeated along one of size 1', { shape: 'K\x01K\x04\x86', strides: 'K\x63K\x01\x86' }, [1, 2, 3, 4]],
    ['repeated', { shape: 'K\x02K\x04\x86', strides: 'K\x00K\x01\x86' }, [1, 2, 3, 4, 1, 2, 3, 4]],
    ['of no elements, whatever its other sizes', { shape: 'J\xff\xff\xff\x7fK\x00\x86', strides: 'K\x00K\x00\x86' }, []],
  ])('%s', async (_, parts, expected) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a.pth')
    await writeFile(path, makeZip({ 'a/data.pkl': bytes(stateDict(rebuild(parts))), 'a/data/0': Buffer.from(Float32Array.of(1, 2, 3, 4).buffer) }))
    await using file = await PthFile.open(path)
    const { data } = await contentsOf(file).model.get('w')!.load()
    expect([...new Float32Array(data.buffer)]).toEqual(expected)
  })

  test.each<[string, Parameters<typeof rebuild>[0]]>([
    ['beyond the end', { shape: 'K\x05\x85' }], ['an offset beyond', { offset: 'K\x04' }], ['strides beyond', { shape: 'K\x02\x85', strides: 'K\x04\x85' }],
    ['a negative offset', { offset: 'J\xff\xff\xff\xff' }], ['a negative stride', { strides: 'J\xff\xff\xff\xff\x85' }], ['other strides than sizes', { strides: 'K\x01K\x01\x86' }],
    ['sizes whose product overflows', { shape: 'J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86', strides: 'J\xff\xff\xff\x7fK\x01\x86' }],
    ['a size that is text', { shape: `${text('4')}\x85` }],
  ])('%s is refused', async (_, parts) => {
    expect(await open(zipOf(bytes(stateDict(rebuild(parts)))))).toMatchObject({ code: 'ERR_FILE_FORMAT', message: expect.stringMatching(/tensor/) })
  })
})

describe('a pickle is interpreted, never executed', () => {
  test.each<[string, string, RegExp]>([
    ['a system call', `${PROTO}cos\nsystem\n(${text('true')}tR.`, /the global os\.system/],
    ['builtins', `${PROTO}c__builtin__\neval\n(${text('1')}tR.`, /the global __builtin__\.eval/],
    ['a function of torch that is not known', `${PROTO}ctorch\nload\n(${text('x')}tR.`, /the global torch\.load/],
    ['a storage that is called', `${PROTO}${FLOATS}(K\x01tR.`, /a call of torch\.FloatStorage/],
    ['an OrderedDict of a number', `${PROTO}ccollections\nOrderedDict\n(K\x01tR.`, /a call of collections\.OrderedDict/],
    ['an OrderedDict of what are no pairs', `${PROTO}ccollections\nOrderedDict\n(]NatR.`, /a call of collections\.OrderedDict/],
    ['a counter of a text', `${PROTO}ccollections\nCounter\n(${text('x')}tR.`, /a call of collections\.Counter/],
    ['a tensor of a text', `${PROTO}ctorch._utils\n_rebuild_tensor_v2\n(${text('x')}K\x00))tR.`, /a call of torch\._utils\._rebuild_tensor_v2/],
    ['a tensor made by what is no function for it', `${PROTO}ctorch._tensor\n_rebuild_from_type_v2\n(ctorch\ndevice\nctorch\nTensor\n)NtR.`, /a call of torch\._tensor/],
    ['a call of a dtype', `${PROTO}ctorch\nfloat32\n)R.`, /a call of torch\.float32/],
    ['a call of a text', `${PROTO}${text('x')})R.`, /no known function/],
    ['attributes for an object', `${PROTO}}}${text('__class__')}K\x01sb.`, /attributes of an object/],
    ['attributes for a dict that is not ordered', `${PROTO}}}${text('_metadata')}K\x01sb.`, /attributes of an object/],
    ['a list as attributes', `${PROTO}ccollections\nOrderedDict\n)R]b.`, /attributes of an object/],
    ['a list as a key', `${PROTO}}]Ns.`, /a list as a key/], ['a dict as a key', `${PROTO}}}Ns.`, /a dict as a key/],
    ['entries for a list', `${PROTO}]K\x01K\x02s.`, /entries for what is no dict/],
    ['items for a tuple', `${PROTO})K\x01a.`, /items for what is no list/],
    ['INST', `${PROTO}(ios\nsystem\n.`, /opcode INST/], ['OBJ', `${PROTO}(o.`, /opcode OBJ/],
    ['a new object of no class', `${PROTO}))\x81.`, /no known function/],
    ['STACK_GLOBAL', `${PROTO}${text('os')}${text('system')}\x93.`, /opcode STACK_GLOBAL/], ['EXT1', `${PROTO}\x82\x01.`, /opcode EXT1/], ['an opcode that there is not', `${PROTO}\xff.`, /opcode 0xff/],
    ['what protocol 4 has besides', `\x80\x04\x95${'\x00'.repeat(8)}N.`, /opcode FRAME of pickle protocol 4/],
    ['items for a set', `${PROTO}\x8f(K\x01\x90.`, /opcode ADDITEMS/],
    ['Python 2’s text that is none', `${PROTO}U\x01\xff.`, /no UTF-8|not UTF-8/],
    ['a reference to nothing', `${PROTO}h\x07.`, /reference to nothing/],
    ['a mark that is missing', `${PROTO}t.`, /mark that is missing/],
    ['nothing on the stack', `${PROTO}.`, /stack that is empty/], ['more steps than any model takes', `${PROTO}${'N'.repeat(5_000_001)}.`, /more steps/],
    ['a million dicts', `${PROTO}${'}'.repeat(1_000_000)}.`, /more dicts/],
    ['marks in marks', `${PROTO}${'('.repeat(2000)}.`, /marks 1000 deep/],
    ['a million and one things remembered', `${PROTO}N${Array.from({ length: 1_000_001 }, (_, i) => `r${String.fromCharCode(i & 255, (i >> 8) & 255, (i >> 16) & 255, 0)}`).join('')}.`, /more shared parts/],
  ])('%s is refused by name', async (_, program, message) => {
    expect(await open(zipOf(bytes(program)))).toMatchObject({ code: 'ERR_PICKLE_REFUSED', message: expect.stringMatching(message) })
  })

  test.each<[string, string, unknown]>([
    ['an OrderedDict of pairs, as Python 2 has it', 'ccollections\nOrderedDict\n(](]U\x01aaK\x01a]U\x01baK\x02aetR', new Map([['a', 1], ['b', 2]])],
    ['attributes of an OrderedDict, which are left out', `ccollections\nOrderedDict\n)R}${text('note')}K\x01sb`, new Map()],
    ['a counter', `ccollections\nCounter\n}K\x03K\x01s\x85R`, new Map([[3, 1]])],
    ['a size', `ctorch\nSize\n(K\x02K\x03t\x85R`, new PickleTuple([2, 3])],
    ['a device', `ctorch\ndevice\n${text('cuda')}K\x00\x86R`, new PickleObject('a device')],
    ['a dtype', 'ctorch\nfloat32\n', new PickleGlobal('torch.float32')],
    ['a set', 'c__builtin__\nset\n]K\x01a\x85R', new PickleObject('a set')],
    ['an empty one of protocol 4', '\x8f', new PickleObject('a set')],
    ['bytes', `c_codecs\nencode\n${text('a')}${text('latin1')}\x86R`, new PickleObject('bytes')],
    ['a complex number', 'cbuiltins\ncomplex\nK\x01K\x02\x86R', new PickleObject('a complex number')],
    ['an integer of 17 bytes', `\x8a\x11${'\xff'.repeat(16)}\x00`, 2n ** 128n - 1n],
    ['a negative one', `\x8a\x09${'\x00'.repeat(8)}\xff`, -(2n ** 64n)],
    ['another protocol, where nothing else is of it', '\x80\x04N', null],
    ['keys that are neither texts nor numbers, which are left out', `}N)s)K\x01s${text('a')}K\x02s`, new Map([['a', 2]])],
    ['a quantized tensor', 'ctorch._utils\n_rebuild_qtensor\n)R', new PickleObject('a quantized tensor')],
    ['complex tensors', rebuild({ storage: storage('0', '\x02', 'ctorch\nComplexFloatStorage\n'), shape: 'K\x02\x85' }), new PickleObject('a tensor of numbers that are not read here')],
  ])('what torch.load(weights_only=True) takes is taken: %s', async (_, program, expected) => {
    const { value, message } = await open(zipOf(bytes(`${PROTO}${program}.`)))
    expect(message).toBeUndefined()
    expect(value instanceof PickleDict ? new Map(value) : value).toEqual(expected)
  })

  test.each<[string, string]>([
    ['a parameter with attributes', `ctorch._utils\n_rebuild_parameter_with_state\n(${rebuild()}\x88N}tR`],
    ['a tensor with attributes', `ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch\nTensor\n(${storage()}K\x00K\x04\x85K\x01\x85\x89NtNtR`],
    ['a tensor of the first version', `ctorch._utils\n_rebuild_tensor\n(${storage()}K\x00K\x04\x85K\x01\x85tR`],
    ['a new parameter', `ctorch.nn.parameter\nParameter\n${rebuild()}\x85\x81`],
  ])('%s is a tensor', async (_, program) => {
    expect((await open(zipOf(bytes(`${PROTO}${program}.`)))).value).toBeInstanceOf(TorchTensor)
  })

  test.each<[string, string]>([
    ['cut short', `${PROTO}}`], ['a text longer than the rest', `${PROTO}X\xff\xff\xff\x7fabc.`], ['a name without an end', `${PROTO}ctorch`], ['bytes behind its end', `${PROTO}N.N`],
    ['a storage of another kind', stateDict(rebuild({ storage: storage('0', '\x04', 'ctorch.storage\nUntypedStorage\n') }))], ['a storage key that leads out', stateDict(rebuild({ storage: storage('../0') }))],
    ['a storage that is not there', stateDict(rebuild({ storage: storage('7') }))], ['a storage of another size', stateDict(rebuild({ storage: storage('0', '\x05') }))],
    ['one storage of two kinds', `${PROTO}(${rebuild()}${rebuild({ storage: storage('0', '\x02', 'ctorch\nDoubleStorage\n'), shape: 'K\x02\x85' })}t.`],
  ])('%s is no file of PyTorch', async (_, program) => {
    expect(await open(zipOf(bytes(program)))).toMatchObject({ code: 'ERR_FILE_FORMAT' })
  })
})

describe('an archive says one thing everywhere', () => {
  const good = zipOf(bytes(stateDict(rebuild())))
  const changed = (place: number, value: number): Buffer => Buffer.from(good.map((byte, i) => (i === place ? value : byte)))
  const directory = good.indexOf('PK\x01\x02')

  test('a good one is read', async () => {
    expect((await open(good)).value).toBeInstanceOf(PickleDict)
  })

  test.each<[string, Buffer]>([
    ['bytes before it', Buffer.concat([Buffer.from('PK\x03\x04junk'), good])], ['bytes behind it', Buffer.concat([good, Buffer.from('x')])], ['a comment', Buffer.from(good.map((byte, i) => (i === good.length - 2 ? 1 : byte)))],
    ['its end missing', good.subarray(0, good.length - 4)], ['only its head', good.subarray(0, 40)], ['no directory', Buffer.from('PK\x03\x04')],
    ['compressed parts', zipOf(bytes(stateDict(rebuild())), { deflate: true })], ['another name in the header', changed(30, 0x62)], ['another size in the header', changed(22, 9)], ['another checksum in the header', changed(14, good[14]! ^ 1)],
    ['an entry that lies elsewhere', changed(directory + 42, 3)], ['entries that overlap', changed(good.indexOf('PK\x01\x02', directory + 1) + 42, 40)], ['an encrypted entry', changed(directory + 8, 1)], ['a name that leads out', zipOf(bytes(stateDict(rebuild())), { extra: { 'a/../../x': '' } })],
    ['a name of another system', zipOf(bytes(stateDict(rebuild())), { extra: { 'a\\x': '' } })], ['no pickle', makeZip({ 'a/x': '' })], ['big-endian numbers', zipOf(bytes(stateDict(rebuild())), { extra: { 'a/byteorder': 'big' } })],
    ['a TorchScript archive', zipOf(bytes(stateDict(rebuild())), { extra: { 'a/code/x.py': 'pass' } })], ['what is neither', Buffer.from('hello, this is text')], ['nothing at all', Buffer.alloc(0)],
  ])('%s is refused', async (_, file) => {
    expect(await open(file)).toMatchObject({ code: 'ERR_FILE_FORMAT', message: expect.stringContaining('FILE') })
  })

  test.each<[string, Partial<Descriptor>, string | undefined]>([
    ['agree', {}, undefined], ['have no signature', { signature: '' }, undefined], ['tell another checksum', { crc: 1 }, 'ERR_FILE_FORMAT'], ['tell another size', { size: 9 }, 'ERR_FILE_FORMAT'], ['are followed by more', { more: 'x' }, 'ERR_FILE_FORMAT'],
  ])('descriptors behind the data, which %s', async (_, descriptor, code) => {
    expect((await open(withDescriptors(bytes(stateDict(rebuild())), descriptor))).code).toBe(code)
  })

  test.each<[string, (view: DataView, record: number) => void]>([
    ['another number of entries', (view, record) => view.setUint8(record + 32, 99)], ['another size of the directory', (view, record) => view.setUint8(record + 40, 1)], ['another place of it', (view, record) => view.setUint8(record + 48, 1)],
    ['another place of itself', (view, record) => view.setUint8(record + 56 + 8, 1)],
    ['200,000 entries', (view, record) => {
      view.setUint32(record + 24, 200_000, true)
      view.setUint32(record + 32, 200_000, true)
      view.setUint32(record + 56 + 20 + 8, 0xffffffff, true)
    }],
  ])('a zip64 end that tells %s is refused', async (_, change) => {
    await using folder = await temporaryFolder()
    await writePth(join(folder.path, 'x.pth'), new Map([['w', tensor([1])]]))
    const file = await readFile(join(folder.path, 'x.pth'))
    const record = file.indexOf('PK\x06\x06')
    change(new DataView(file.buffer, file.byteOffset, file.length), record)
    expect(await open(file)).toMatchObject({ code: 'ERR_FILE_FORMAT' })
  })

  test('a pickle of more than 64 MB is refused', async () => {
    expect(await open(makeZip({ 'a/data.pkl': Buffer.alloc((1 << 26) + 1) }))).toMatchObject({ code: 'ERR_FILE_FORMAT', message: expect.stringContaining('data.pkl takes 67108865 bytes') })
  })

  test('the same entry twice is refused', async () => {
    const twice = Buffer.from(zipOf(bytes(stateDict(rebuild())), { extra: { 'a/data/1': 'x' } }))
    for (let at = twice.indexOf('a/data/1'); at >= 0; at = twice.indexOf('a/data/1')) twice[at + 7] = 0x30
    expect(await open(twice)).toMatchObject({ code: 'ERR_FILE_FORMAT', message: expect.stringContaining('twice') })
  })

  test('a damaged part is ERR_FILE_CHECKSUM', async () => {
    expect(await open(zipOf(bytes(stateDict(rebuild())), { damage: true }))).toMatchObject({ code: 'ERR_FILE_CHECKSUM', message: expect.stringContaining('a/data/0') })
  })

  test('no byte that is changed crashes the reader or hangs it', async () => {
    const codes = [undefined, 'ERR_FILE_FORMAT', 'ERR_FILE_CHECKSUM', 'ERR_PICKLE_REFUSED'] // dates and versions say nothing
    for (let place = 0; place < good.length; place++) {
      const { code } = await open(changed(place, good[place]! ^ 0xff))
      expect(codes).toContain(code)
    }
  }, 120_000)
})

test.each([
  ['stem.conv.weight', 'stem.0.weight'], ['s1.b1.conv1.conv.weight', 'trunk_output.block1.block1-0.f.a.0.weight'], ['s3.b6.conv2.bn.running_mean', 'trunk_output.block3.block3-5.f.b.1.running_mean'],
  ['s2.b1.se.fc2.bias', 'trunk_output.block2.block2-0.f.se.fc2.bias'], ['s4.b1.downsample.bn.weight', 'trunk_output.block4.block4-0.proj.1.weight'], ['s1.b1.conv3.conv.weight', 'trunk_output.block1.block1-0.f.c.0.weight'], ['head.fc.bias', 'fc.bias'],
])('timm’s %s is torchvision’s %s', (timm, torchvision) => {
  expect(fromTimm(timm)).toBe(torchvision)
})
