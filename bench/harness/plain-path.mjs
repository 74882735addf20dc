import { symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'

/**
 * A path without spaces and colons to the same place: LD_PRELOAD takes those for separators, and torch.compile's calls of the
 * compiler do not quote.
 *
 * @param {string} path @param {string} temporary a folder that is removed in the end
 * @returns {string}
 */
export function plainPath(path, temporary) {
  if (!/[\s:]/.test(path)) return path
  const link = join(temporary, basename(path).replace(/[\s:]/g, '-'))
  symlinkSync(path, link)
  return link
}
