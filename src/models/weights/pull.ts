import { createWriteStream } from 'node:fs'
import { mkdir, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { EnvHttpProxyAgent } from 'undici'
import { answeredRange } from '../../../scripts/shared/content-range.mjs'
import { TorchgraftError } from '../../errors.js'
import { plural } from '../../text/plural.js'
import { systemReason } from '../../text/system-reason.js'
import { type CatalogueEntry, fileOf } from './catalogue.js'
import { checkWeights, type CheckedWeights } from './check-weights.js'

export interface PullOptions {
  readonly env?: NodeJS.ProcessEnv
  /** Told of the bytes that have come, and of all where the server says how many. */
  readonly onProgress?: (received: number, total: number | undefined) => void
  readonly signal?: AbortSignal
}

export interface PulledWeights extends CheckedWeights {
  readonly file: string
  /** Whether it was not there already. */
  readonly fetched: boolean
}

/** A server that says nothing for so long is taken for dead. */
const SILENCE_MS = 60_000

/**
 * Fetches weights into PyTorch's own cache, going on where an earlier try broke off. The final name appears only when
 * the hash is right. Honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY; `TORCHGRAFT_WEIGHTS_MIRROR` is asked in place of the
 * catalogue's server.
 *
 * @throws ERR_WEIGHTS_MISSING where it cannot be had, naming the file to place by hand; ERR_WEIGHTS_HASH; ERR_WRITE; `signal.reason`
 */
export async function pullWeights(entry: CatalogueEntry, { env = process.env, onProgress = () => {}, signal }: PullOptions = {}): Promise<PulledWeights> {
  const file = fileOf(entry, env)
  if ((await sizeOf(file)) > 0) {
    return { file, fetched: false, ...(await checkWeights(entry, file, env)) }
  }
  const part = `${file}.part`
  const mirror = env['TORCHGRAFT_WEIGHTS_MIRROR']
  const url = mirror ? new URL(entry.url.slice(entry.url.lastIndexOf('/') + 1), mirror.endsWith('/') ? mirror : `${mirror}/`).href : entry.url
  try {
    await mkdir(dirname(file), { recursive: true })
  } catch (cause) {
    throw new TorchgraftError('ERR_WRITE', `Could not make the folder ${dirname(file)}: ${systemReason(cause)}`, { path: dirname(file), cause })
  }
  await fetchRest(url, part, file, onProgress, signal)
  const checked = await checkWeights(entry, part, env)
  await rename(part, file)
  return { file, fetched: true, ...checked }
}

async function fetchRest(url: string, part: string, file: string, onProgress: NonNullable<PullOptions['onProgress']>, signal: AbortSignal | undefined): Promise<void> {
  const { EnvHttpProxyAgent, fetch } = await import('undici') // large: loaded when something is fetched
  await using agent = new DisposableAgent(new EnvHttpProxyAgent({ headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS }))
  const byHand = `Or fetch it by other means and place it as ${file}`
  const ask = async (from: number) => {
    try {
      return await fetch(url, { dispatcher: agent.proxy, headers: from > 0 ? { range: `bytes=${from}-` } : {}, ...(signal && { signal }) })
    } catch (cause) {
      signal?.throwIfAborted()
      throw new TorchgraftError('ERR_WEIGHTS_MISSING', `${url} could not be reached (${reasonOf(cause)}). ${byHand}`, { path: file, cause })
    }
  }
  const have = await sizeOf(part)
  let response = await ask(have)
  let range = answeredRange(response.status, response.headers.get('content-range'), { from: have })
  if (response.status === 416 && response.headers.get('content-range') === `bytes */${have}`) return // all of it had come
  if ('problem' in range && have > 0 && ANEW.includes(response.status)) {
    await response.body?.cancel()
    response = await ask(0)
    range = answeredRange(response.status, response.headers.get('content-range'))
  }
  if ('problem' in range) throw new TorchgraftError('ERR_WEIGHTS_MISSING', `${url}: ${range.problem}. ${byHand}`, { path: file })
  const length = response.headers.get('content-length')
  const total = range.total ?? (length === null ? undefined : range.start + Number(length))
  let received = range.start
  const count = new Transform({
    transform(chunk: Buffer, _, done) {
      onProgress((received += chunk.length), total)
      done(null, chunk)
    },
  })
  const brokeOff = (reason: string, cause?: unknown): TorchgraftError => new TorchgraftError('ERR_WEIGHTS_MISSING', `The download of ${url} broke off after ${plural(received, 'byte')}${reason}. Run it again: it goes on from there. ${byHand}`, { path: file, cause })
  try {
    await pipeline(Readable.fromWeb(response.body as never), count, createWriteStream(part, { flags: range.start > 0 ? 'a' : 'w' }), ...(signal ? [{ signal }] : []))
  } catch (cause) {
    signal?.throwIfAborted()
    if (['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw new TorchgraftError('ERR_WRITE', `Could not write ${part}: ${systemReason(cause)}`, { path: part, cause })
    throw brokeOff(` (${reasonOf(cause)})`, cause)
  }
  if (range.total !== undefined && received < range.total) throw brokeOff(` of ${range.total}`)
}

/** Answers to a question for the rest of a file after which all of it is asked for: another part of it, or that there is no such rest. */
const ANEW = [206, 416]

/** Proxies as the environment has them. */
class DisposableAgent implements AsyncDisposable {
  readonly proxy: EnvHttpProxyAgent

  constructor(proxy: EnvHttpProxyAgent) {
    this.proxy = proxy
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy.destroy()
  }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error && cause.message !== '' ? cause.message : message
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}
