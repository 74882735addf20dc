import { mkdir, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import type { EnvHttpProxyAgent, Response } from 'undici'
import { type Answer, BrokenOffError, fetchRest, fileBytes, isDiskError, RefusedError } from '../../../scripts/common/download.mjs'
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
export async function pullWeights(entry: CatalogueEntry, options: PullOptions = {}): Promise<PulledWeights> {
  const { env = process.env, onProgress = () => {}, signal } = options
  const file = fileOf(entry, env)
  if (fileBytes(file) > 0) {
    return { file, fetched: false, ...(await checkWeights(entry, file, env)) }
  }
  const part = `${file}.part`
  try {
    await mkdir(dirname(file), { recursive: true })
  } catch (cause) {
    throw new TorchgraftError('ERR_WRITE', `Could not make the folder ${dirname(file)}: ${systemReason(cause)}`, { path: dirname(file), cause })
  }
  await fetchInto(part, { url: urlOf(entry, env), file, onProgress, signal })
  const checked = await checkWeights(entry, part, env)
  await rename(part, file)
  return { file, fetched: true, ...checked }
}

function urlOf({ url }: CatalogueEntry, env: NodeJS.ProcessEnv): string {
  const mirror = env['TORCHGRAFT_WEIGHTS_MIRROR']
  return mirror ? new URL(url.slice(url.lastIndexOf('/') + 1), mirror.endsWith('/') ? mirror : `${mirror}/`).href : url
}

interface Download extends Pick<PullOptions, 'onProgress'> {
  readonly url: string
  /** What the part becomes: named for who places it by hand. */
  readonly file: string
  readonly signal: AbortSignal | undefined
}

async function fetchInto(part: string, { url, file, onProgress = () => {}, signal }: Download): Promise<void> {
  const { EnvHttpProxyAgent, fetch } = await import('undici') // large: loaded when something is fetched
  await using agent = new DisposableAgent(new EnvHttpProxyAgent({ headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS }))
  const missing = (reason: string, cause?: unknown): TorchgraftError =>
    new TorchgraftError('ERR_WEIGHTS_MISSING', `${reason}. Or fetch it by other means and place it as ${file}`, { path: file, cause })
  const ask = async (from: number): Promise<Answer> => {
    try {
      const headers = from > 0 ? { range: `bytes=${from}-` } : {}
      return answerOf(await fetch(url, { dispatcher: agent.proxy, headers, ...(signal && { signal }) }))
    } catch (cause) {
      signal?.throwIfAborted()
      throw missing(`${url} could not be reached (${reasonOf(cause)})`, cause)
    }
  }
  try {
    await fetchRest(part, ask, { onProgress, signal })
  } catch (error) {
    if (error instanceof RefusedError) throw missing(`${url}: ${error.message}`)
    if (error instanceof BrokenOffError) throw missing(`The download of ${url} ${describe(error)}. Run it again: it goes on from there`, error.cause)
    if (isDiskError(error))
      throw new TorchgraftError('ERR_WRITE', `Could not write ${part}: ${systemReason(error)}`, { path: part, cause: error })
    throw error
  }
}

function answerOf({ status, headers, body }: Response): Answer {
  const length = headers.get('content-length')
  const stream = body ? Readable.fromWeb(body as never) : Readable.from([])
  return {
    status,
    contentRange: headers.get('content-range'),
    contentLength: length === null ? undefined : Number(length),
    body: stream,
    cancel: () => void stream.destroy(),
  }
}

/** "broke off after 1000 bytes (terminated)", "broke off after 1000 bytes of 2000" */
function describe({ received, total, cause }: BrokenOffError): string {
  const how = cause === undefined ? ` of ${total}` : ` (${reasonOf(cause)})`
  return `broke off after ${plural(received, 'byte')}${how}`
}

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
