/** What the user can mend: shown as one message, without a stack. */
export class SetupError extends Error {}
export function setUp(options?: { readonly root?: string; readonly env?: NodeJS.ProcessEnv; readonly stream?: { write(text: string): unknown; readonly isTTY?: boolean } }): Promise<void>
export function trySetUp(): Promise<boolean>
