import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

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
