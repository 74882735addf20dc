import { printable } from '../common/printable.mjs'

/** What the user can mend: shown as one message, without a stack. */
export class SetupError extends Error {}

/** What errno codes of a disk mean, with what to do. */
const DISK_REASONS = /** @type {Readonly<Record<string, string>>} */ ({
  ENOSPC: 'there is no room left: libtorch takes 1 GB (4 GB with NVIDIA\'s libraries), the addon 100 MB. Free some',
  EDQUOT: 'your quota is used up: libtorch takes 1 GB (4 GB with NVIDIA\'s libraries), the addon 100 MB. Free some',
  EACCES: 'you may not write there. Change who owns it',
  EPERM: 'you may not write there. Change who owns it',
  EROFS: 'it is read-only. Take another place (TORCHGRAFT_HOME, for an installed package)',
})

/**
 * A SetupError that says what to do where the error is the disk's (full, read-only, not ours); else the error itself.
 *
 * @param {unknown} error
 */
export function explainDiskError(error) {
  const { code = '', path, dest, message } = /** @type {NodeJS.ErrnoException & { readonly dest?: string }} */ (error)
  const reason = DISK_REASONS[code]
  if (reason === undefined) return error
  return new SetupError(`${printable(dest ?? path ?? message)} cannot be written: ${reason}, and run it again: it goes on from there.`, { cause: error })
}
