export function printable(text: string): string
export function printableLines(text: string): string
