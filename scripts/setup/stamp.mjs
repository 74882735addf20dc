import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/**
 * A hash of files and of words: equal as long as none of them changes.
 *
 * @param {string} root
 * @param {{ readonly files: readonly string[], readonly words?: readonly string[] }} inputs files and folders, relative to root
 */
export function hashInputs(root, { files, words = [] }) {
  const hash = createHash('sha256').update(JSON.stringify(words))
  for (const file of files.flatMap((path) => filesIn(join(root, path)))) {
    hash.update(`\n${relative(root, file)}\n`).update(readFileSync(file))
  }
  return hash.digest('hex')
}

/** @param {string} path @returns {string[]} */
function filesIn(path) {
  if (!existsSync(path)) return []
  try {
    return readdirSync(path).sort().flatMap((name) => filesIn(join(path, name)))
  } catch {
    return [path]
  }
}

/** @param {string} stamp @param {string} hash */
export function isUpToDate(stamp, hash) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8').includes(hash)
}

/** Written last of all, and whole: a step that was interrupted has none. @param {string} stamp @param {string} text */
export function writeStamp(stamp, text) {
  mkdirSync(dirname(stamp), { recursive: true })
  const temporary = `${stamp}.${process.pid}.tmp`
  writeFileSync(temporary, text)
  renameSync(temporary, stamp)
}

/** @param {string} stamp */
export function removeStamp(stamp) {
  rmSync(stamp, { force: true })
}
