import { printable } from '../../scripts/shared/printable.mjs'

/** As a shell takes it in one piece, and a terminal shows it. */
export function shellWord(text: string): string {
  if (/^[\w./:@%+,-]+$/.test(text)) return text
  if (printable(text) === text) return `'${text.replaceAll("'", "'\\''")}'`
  return `$'${printable(text.replaceAll(/['\\]/g, '\\$&'))}'` // bash, zsh and POSIX.1-2024 know these escapes
}
