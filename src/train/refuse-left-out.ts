import { join } from 'node:path'
import type { SkippedFile } from '../datasets/skipped-file.js'
import { TorchgraftError } from '../errors.js'
import { plural } from '../text/plural.js'

/**
 * With strict images a run takes every image of its folder, or does not begin.
 *
 * @throws the first file's error, with its reason
 */
export function refuseLeftOut(data: string, files: readonly SkippedFile[]): void {
  const [first] = files
  if (!first) return
  const path = join(data, first.path)
  const more = files.length > 1 ? ` (and ${plural(files.length - 1, 'more file')}: "torchgraft stats" names them all)` : ''
  throw new TorchgraftError(first.code, (option) => `${path} would be left out, which ${option('strictImages', true)} forbids: ${first.message}${more}`, { path })
}
