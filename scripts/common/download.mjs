// Downloads over HTTP that go on where an earlier try broke off. Who asks, and by which client, is the caller's: set-up has Node's
// built-in modules alone, and weights are asked for through the proxies that the environment names.
import { createWriteStream, statSync } from 'node:fs'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** @typedef {import('./download.mjs').Answer} Answer */

/** The server does not send the file: the message says what it did instead. */
export class RefusedError extends Error {}

/** The connection ended early. What came is kept. */
export class BrokenOffError extends Error {
  /** @param {number} received @param {number | undefined} total @param {unknown} [cause] undefined where the server had no more to send */
  constructor(received, total, cause) {
    super(/** @type {Error | undefined} */ (cause)?.message ?? 'the server had no more to send', { cause })
    /** Bytes of the file that are there, with those of earlier tries. */
    this.received = received
    /** Bytes of the file, where they are known. */
    this.total = total
  }
}

/**
 * Fetches what `part` lacks of a file. A server that cannot send the rest, or sends another part, is asked for all of it.
 *
 * @param {string} part
 * @param {(from: number) => Promise<Answer>} ask for the file from a byte on; its own errors pass
 * @param {import('./download.mjs').FetchOptions} [options]
 * @throws RefusedError, BrokenOffError, `signal.reason`; the file system's errors, with the part as their `path`
 */
export async function fetchRest(part, ask, { total, onProgress, signal } = {}) {
  const have = fileBytes(part)
  let answer = await ask(have)
  let range = answeredRange(answer, { from: have, total })
  const allHadCome = total === undefined && answer.status === 416 && answer.contentRange === `bytes */${have}`
  if (allHadCome) return answer.cancel()
  if ('problem' in range && have > 0 && ASK_ANEW.includes(answer.status)) {
    await answer.cancel()
    answer = await ask(0)
    range = answeredRange(answer, { total })
  }
  if ('problem' in range) {
    await answer.cancel()
    throw new RefusedError(range.problem)
  }
  await receive(answer, part, range, { ...(onProgress && { onProgress }), signal })
}

/** Answers to a question for the rest of a file after which all of it is asked for: another part of it, or that there is no such rest. */
const ASK_ANEW = [206, 416]

/**
 * @param {Answer} answer @param {string} part @param {{ readonly start: number, readonly total?: number }} range
 * @param {Pick<import('./download.mjs').FetchOptions, 'onProgress' | 'signal'>} options
 */
async function receive({ body, contentLength }, part, range, { onProgress = () => {}, signal }) {
  const total = range.total ?? (contentLength === undefined ? undefined : range.start + contentLength)
  let received = range.start
  const count = new Transform({
    transform(/** @type {Buffer} */ chunk, _, done) {
      onProgress((received += chunk.length), total)
      done(null, chunk)
    },
  })
  const file = createWriteStream(part, { flags: range.start > 0 ? 'a' : 'w' })
  try {
    await (signal ? pipeline(body, count, file, { signal }) : pipeline(body, count, file))
  } catch (cause) {
    signal?.throwIfAborted()
    if (isDiskError(cause)) throw Object.assign(/** @type {Error} */ (cause), { path: part })
    throw new BrokenOffError(received, range.total, cause)
  }
  if (range.total !== undefined && received !== range.total) throw new BrokenOffError(received, range.total)
}

/** Whether an error is the disk's and not the connection's. @param {unknown} error */
export function isDiskError(error) {
  return /^E(?:NOSPC|DQUOT|ACCES|PERM|ROFS)$/.test(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')
}

/** 0 where there is no such file. @param {string} path */
export function fileBytes(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/**
 * Whether an answer holds what was asked for: the whole file, or the rest of it from a byte on. A server, or something
 * between, may send another part than that, which must not be taken for it.
 *
 * @param {Pick<Answer, 'status' | 'contentRange'>} answer
 * @param {{ readonly from?: number, readonly total?: number | undefined }} asked `from` where a range was asked for, `total` where the
 *   size is known
 * @returns {{ readonly start: number, readonly total?: number } | { readonly problem: string }} where what comes begins
 */
function answeredRange({ status, contentRange }, { from = 0, total } = {}) {
  if (status === 200) return { start: 0, ...(total !== undefined && { total }) }
  if (status !== 206) return { problem: `the server answered ${status}` }
  const said = contentRange ?? 'without saying which'
  const problem = `the server sent another part than was asked for (${said}, not bytes ${from}-)`
  const { start, end, size } = parseContentRange(contentRange) ?? {}
  if (start === undefined || end === undefined || start !== from || from === 0 || end < from) return { problem }
  if (size === undefined) return { start: from, ...(total !== undefined && { total }) }
  return end >= size || (total !== undefined && size !== total) ? { problem } : { start: from, total: size }
}

/** Of `bytes START-END/SIZE`, both included; the size is undefined where it is `*`. @param {string | null | undefined} text */
export function parseContentRange(text) {
  const [, start, end, size] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(text ?? '') ?? []
  if (start === undefined) return undefined
  return { start: Number(start), end: Number(end), size: size === '*' ? undefined : Number(size) }
}
