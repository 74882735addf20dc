export function hashFile(path: string): Promise<string>
export function hashInputs(root: string, inputs: { readonly files: readonly string[]; readonly words?: readonly string[] }): string
