import { renameSync, rmSync } from 'node:fs'
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import { SetupError } from '../setup/errors.mjs'
import { BrokenOffError, fetchRest, fileBytes, RefusedError } from '../common/download.mjs'
import { hashFile } from '../common/hashes.mjs'

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
 * @param {(share: number) => void} [onShare] share of the bytes, 0–1
 */
export async function download({ url, bytes, sha256 }, file, onShare = () => {}) {
  const part = `${file}.part`
  if (fileBytes(part) > bytes) rmSync(part)
  if (fileBytes(part) < bytes) {
    const options = { total: bytes, onProgress: (/** @type {number} */ received) => onShare(received / bytes) }
    await fetchRest(part, (from) => request(url, from), options).catch((error) => { throw explain(url, bytes, error) })
  }
  if ((await hashFile(part)) !== sha256) {
    rmSync(part, { force: true })
    const advice = 'Run it again; if that does not help, something between here and there changes it.'
    throw new SetupError(`${url} is not the file that was expected: its SHA-256 is not ${sha256}. ${advice}`)
  }
  renameSync(part, file)
}

/** @param {string} url @param {number} bytes @param {unknown} error */
function explain(url, bytes, error) {
  if (error instanceof RefusedError) return new UnreachableError(`${url}: ${error.message}`)
  if (!(error instanceof BrokenOffError)) return error
  const { received, message, cause } = error
  const share = `after ${received} of ${bytes} bytes`
  const how = cause === undefined ? `ended ${share}` : `broke off ${share} (${message})`
  return new SetupError(`The download of ${url} ${how}. Run it again: it goes on from there.`)
}

/** Asks for a file from a byte on. @param {string} url @param {number} from @returns {Promise<import('../common/download.mjs').Answer>} */
async function request(url, from, redirects = 0) {
  const response = await new Promise((/** @type {(response: import('node:http').IncomingMessage) => void} */ resolve, reject) => {
    const get = url.startsWith('https:') ? getHttps : getHttp
    const sent = get(url, { headers: from > 0 ? { Range: `bytes=${from}-` } : {} }, resolve)
    const timer = setTimeout(() => sent.destroy(new Error(`no answer in ${CONNECT_MS / 1000} s`)), CONNECT_MS)
    sent.once('error', (error) => reject(new UnreachableError(`${url}: ${error.message}`)))
    sent.once('close', () => clearTimeout(timer))
    sent.once('response', () => clearTimeout(timer))
  })
  const { statusCode: status = 0, headers } = response
  if (status === 200 || status === 206 || (status === 416 && from > 0)) {
    response.setTimeout(IDLE_MS, () => response.destroy(new Error('the connection went silent')))
    const cancel = () => void response.destroy()
    return { status, contentRange: headers['content-range'], contentLength: undefined, body: response, cancel }
  }
  response.resume()
  const { location } = headers
  const isRedirect = status >= 300 && status < 400 && location && redirects < MAX_REDIRECTS
  if (isRedirect) return request(new URL(location, url).href, from, redirects + 1)
  throw new UnreachableError(`${url}: the server answered ${status}`)
}
