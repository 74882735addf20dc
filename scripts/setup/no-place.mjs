import { printable } from '../shared/printable.mjs'
import { SetupError } from './fail.mjs'

/** A file system's refusals that a user can mend, in words. */
const REASONS = /** @type {Readonly<Record<string, string>>} */ ({
  ENOSPC: 'there is no room left: libtorch takes 1 GB (4 GB with NVIDIA\'s libraries), the addon 100 MB. Free some',
  EDQUOT: 'your quota is used up: libtorch takes 1 GB (4 GB with NVIDIA\'s libraries), the addon 100 MB. Free some',
  EACCES: 'you may not write there. Change who owns it',
  EPERM: 'you may not write there. Change who owns it',
  EROFS: 'it is read-only. Take another place (TORCHGRAFT_HOME, for an installed package)',
})

/** The error itself, or what to do where it is the disk's. @param {unknown} error */
export function tellNoPlace(error) {
  const { code = '', path, dest, message } = /** @type {NodeJS.ErrnoException & { readonly dest?: string }} */ (error)
  const reason = REASONS[code]
  if (reason === undefined) return error
  return new SetupError(`${printable(dest ?? path ?? message)} cannot be written: ${reason}, and run it again: it goes on from there.`, { cause: error })
}
