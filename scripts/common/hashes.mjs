import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** SHA-256 of a file's bytes, in hex. Rejects as the file system does. @param {string} path */
export async function hashFile(path) {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

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
