import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { answeredRange } from '../shared/content-range.mjs'
import { SetupError } from '../setup/errors.mjs'

/** @typedef {{ readonly url: string, readonly bytes: number, readonly sha256: string }} Remote */

const CONNECT_MS = 10_000
/** A connection that says nothing for so long is taken for dead. */
const IDLE_MS = 60_000
const MAX_REDIRECTS = 5

/** The server could not be reached, or does not have the file: another way may work. */
export class UnreachableError extends Error {}

/**
 * Downloads a file whose size and hash are known. What has come is kept in `<file>.part`, and a later call goes on from
 * there; the final name appears only when the hash is right.
 *
 * @param {Remote} remote
 * @param {string} file
 * @param {(share: number) => void} [tell] share of the bytes, 0–1
 */
export async function download({ url, bytes, sha256 }, file, tell = () => {}) {
  const part = `${file}.part`
  if (sizeOf(part) > bytes) rmSync(part)
  if (sizeOf(part) < bytes) await fetchRest(url, part, bytes, tell)
  if ((await hashFile(part)) !== sha256) {
    rmSync(part, { force: true })
    throw new SetupError(`${url} is not the file that was expected: its SHA-256 is not ${sha256}. Run it again; if that does not help, something between here and there changes it.`)
  }
  renameSync(part, file)
}

/** @param {string} url @param {string} part @param {number} bytes @param {(share: number) => void} tell */
async function fetchRest(url, part, bytes, tell) {
  const have = sizeOf(part)
  let response = await request(url, have)
  let range = answeredRange(response.statusCode ?? 0, response.headers['content-range'], { from: have, total: bytes })
  if ('problem' in range && have > 0) { // another part of it, or no such part: all of it is asked for
    response.destroy()
    response = await request(url, 0)
    range = answeredRange(response.statusCode ?? 0, response.headers['content-range'], { total: bytes })
  }
  if ('problem' in range) {
    response.destroy()
    throw new UnreachableError(`${url}: ${range.problem}`)
  }
  let received = range.start
  response.setTimeout(IDLE_MS, () => response.destroy(new Error('the connection went silent')))
  response.on('data', (/** @type {Buffer} */ chunk) => tell((received += chunk.length) / bytes))
  try {
    await pipeline(response, createWriteStream(part, { flags: range.start > 0 ? 'a' : 'w' }))
  } catch (cause) {
    if (/^E(?:NOSPC|DQUOT|ACCES|PERM|ROFS)$/.test(/** @type {NodeJS.ErrnoException} */ (cause).code ?? '')) throw Object.assign(/** @type {Error} */ (cause), { path: part }) // the disk's, not the connection's
    throw new SetupError(`The download of ${url} broke off after ${received} of ${bytes} bytes (${/** @type {Error} */ (cause).message}). Run it again: it goes on from there.`)
  }
  if (received !== bytes) throw new SetupError(`The download of ${url} ended after ${received} of ${bytes} bytes. Run it again: it goes on from there.`)
}

/** Asks for a file from a byte on. @param {string} url @param {number} from @returns {Promise<import('node:http').IncomingMessage>} */
async function request(url, from, redirects = 0) {
  const response = await new Promise((/** @type {(response: import('node:http').IncomingMessage) => void} */ resolve, reject) => {
    const get = url.startsWith('https:') ? getHttps : getHttp
    const sent = get(url, { headers: from > 0 ? { Range: `bytes=${from}-` } : {} }, resolve)
    const timer = setTimeout(() => sent.destroy(new Error(`no answer in ${CONNECT_MS / 1000} s`)), CONNECT_MS)
    sent.once('error', (error) => reject(new UnreachableError(`${url}: ${error.message}`)))
    sent.once('close', () => clearTimeout(timer))
    sent.once('response', () => clearTimeout(timer))
  })
  const { statusCode = 0 } = response
  if (statusCode === 200 || statusCode === 206 || (statusCode === 416 && from > 0)) return response
  response.resume()
  const { location } = response.headers
  if (statusCode >= 300 && statusCode < 400 && location && redirects < MAX_REDIRECTS) return request(new URL(location, url).href, from, redirects + 1)
  throw new UnreachableError(`${url}: the server answered ${statusCode}`)
}

/** @param {string} file */
function sizeOf(file) {
  return existsSync(file) ? statSync(file).size : 0
}

/** @param {string} file */
async function hashFile(file) {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return hash.digest('hex')
}
