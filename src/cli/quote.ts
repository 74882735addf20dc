import { printable } from '../report/format.js'

/** As a shell takes it in one piece, and a terminal shows it. */
export function quote(text: string): string {
  if (/^[\w./:@%+,-]+$/.test(text)) return text
  if (printable(text) === text) return `'${text.replaceAll("'", "'\\''")}'`
  return `$'${printable(text.replaceAll(/['\\]/g, '\\$&'))}'` // bash, zsh and POSIX.1-2024 know these escapes
}
