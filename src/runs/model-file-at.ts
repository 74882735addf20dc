import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { modelError } from '../formats/file-error.js'
import { type LocalPath, toPath } from '../options/local-path.js'
import { BEST_FILE } from './checkpoint-store.js'
import { CONFIG_FILE } from './run-folder.js'

/**
 * The model file that a path stands for: the best one, where it is a run folder.
 *
 * @throws ERR_FILE_FORMAT where it is a folder without one
 */
export async function modelFileAt(location: LocalPath): Promise<string> {
  const path = toPath(location)
  if (!(await isFolder(path))) return path
  const best = join(path, BEST_FILE)
  if (existsSync(best)) return best
  const reason = existsSync(join(path, CONFIG_FILE))
    ? `the run in it has no ${BEST_FILE} yet, since none of its epochs has been scored`
    : `it is a folder without a ${BEST_FILE}, so not that of a run`
  throw modelError(path, reason)
}

/** Whether a path is a folder; what cannot be looked at is none. */
export function isFolder(path: string): Promise<boolean> {
  return stat(path).then((found) => found.isDirectory(), () => false)
}
