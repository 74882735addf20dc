import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** @typedef {Readonly<Record<string, string>>} Versions */
/** @typedef {Readonly<Record<string, { readonly dependencies?: Versions, readonly optionalDependencies?: Versions }>>} Packages */

/**
 * Folders of packages and of all that they depend on, by the lock file, as far as they are installed here. A folder within
 * another of them is not named again.
 *
 * @param {string} root @param {readonly string[]} names
 * @returns {readonly string[]} relative to root
 */
export function closure(root, names) {
  const { packages } = /** @type {{ packages: Packages }} */ (JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')))
  /** @type {Set<string>} */
  const found = new Set()
  /** @param {string | undefined} path */
  const add = (path) => {
    if (path === undefined || found.has(path) || !existsSync(join(root, path))) return
    found.add(path)
    const { dependencies, optionalDependencies } = packages[path] ?? {}
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) add(resolveFrom(packages, path, name))
  }
  for (const name of names) add(resolveFrom(packages, '', name))
  return [...found].filter((path) => ![...found].some((other) => path.startsWith(`${other}/`))).sort()
}

/**
 * Where Node would find a package from another: among its own modules, or among those above it.
 *
 * @param {Packages} packages @param {string} from @param {string} name
 */
function resolveFrom(packages, from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`
    if (packages[path] !== undefined) return path
    if (at === '') return undefined
  }
}
