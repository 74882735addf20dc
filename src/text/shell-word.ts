import { printable } from '../../scripts/common/printable.mjs'

/** A word quoted for a shell, which takes it in one piece, and safe to show on a terminal. */
export function shellWord(text: string): string {
  if (/^[\w./:@%+,-]+$/.test(text)) return text
  if (printable(text) === text) return `'${text.replaceAll("'", "'\\''")}'`
  return `$'${printable(text.replaceAll(/['\\]/g, '\\$&'))}'` // bash, zsh and POSIX.1-2024 know these escapes
}
