export function hashFile(path: string): Promise<string>
