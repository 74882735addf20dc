/** The libtorch that torchgraft is built for and fetches. */
export const LIBTORCH_VERSION = '2.13.0'

/** "2.13.0+cpu" → "2.13": addons run on the minor version that they were built for, whatever the patch. @param {string} version */
export function minorOf(version) {
  return version.split('.').slice(0, 2).join('.')
}
