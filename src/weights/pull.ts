import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { EnvHttpProxyAgent } from 'undici'
import { TorchgraftError } from '../errors.js'
import { hashFile } from '../formats/hash-file.js'
import { plural } from '../plural.js'
import { systemReason } from '../system-reason.js'
import { type CatalogueEntry, fileOf } from './catalogue.js'

export interface PullOptions {
  readonly env?: NodeJS.ProcessEnv
  /** Told of the bytes that have come, and of all where the server says how many. */
  readonly onProgress?: (received: number, total: number | undefined) => void
  readonly signal?: AbortSignal
}

/** A server that says nothing for so long is taken for dead. */
const SILENCE_MS = 60_000

/**
 * Fetches weights into PyTorch's own cache, going on where an earlier try broke off. The final name appears only when
 * the hash is right. Honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY; `TORCHGRAFT_WEIGHTS_MIRROR` is asked in place of the
 * catalogue's server.
 *
 * @returns the file, and whether it was there already
 * @throws ERR_WEIGHTS_MISSING where it cannot be had, naming the file to place by hand; ERR_WEIGHTS_HASH; ERR_WRITE; `signal.reason`
 */
export async function pullWeights(entry: CatalogueEntry, { env = process.env, onProgress = () => {}, signal }: PullOptions = {}): Promise<{ readonly file: string; readonly fetched: boolean }> {
  const file = fileOf(entry, env)
  if ((await sizeOf(file)) > 0) {
    await checkHash(entry, file)
    return { file, fetched: false }
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
  await checkHash(entry, part)
  await rename(part, file)
  return { file, fetched: true }
}

/** The file's SHA-256. @throws ERR_WEIGHTS_HASH where it is another's, the file removed where it is a part */
export async function checkHash({ name, sha256Prefix }: CatalogueEntry, file: string): Promise<string> {
  const found = await hashFile(file)
  if (found.startsWith(sha256Prefix)) return found
  const part = file.endsWith('.part')
  if (part) await rm(file, { force: true })
  throw new TorchgraftError('ERR_WEIGHTS_HASH', `${file} is not ${name}: its SHA-256 begins with ${found.slice(0, 8)}, not ${sha256Prefix}. ${part ? 'It was removed; try again' : 'Remove it, and pull it again'}`, { path: file })
}

async function fetchRest(url: string, part: string, file: string, onProgress: NonNullable<PullOptions['onProgress']>, signal: AbortSignal | undefined): Promise<void> {
  const have = await sizeOf(part)
  const { EnvHttpProxyAgent, fetch } = await import('undici') // large: loaded when something is fetched
  await using agent = new DisposableAgent(new EnvHttpProxyAgent({ headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS }))
  const byHand = `Or fetch it by other means and place it as ${file}`
  let response
  try {
    response = await fetch(url, { dispatcher: agent.proxy, headers: have > 0 ? { range: `bytes=${have}-` } : {}, ...(signal && { signal }) })
  } catch (cause) {
    signal?.throwIfAborted()
    throw new TorchgraftError('ERR_WEIGHTS_MISSING', `${url} could not be reached (${reasonOf(cause)}). ${byHand}`, { path: file, cause })
  }
  const goesOn = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-`) === true
  if (response.status === 416) return // all of it had come
  if (!goesOn && response.status !== 200) throw new TorchgraftError('ERR_WEIGHTS_MISSING', `${url}: the server answered ${response.status}. ${byHand}`, { path: file })
  const length = Number(response.headers.get('content-length') ?? Number.NaN)
  let received = goesOn ? have : 0
  const total = Number.isFinite(length) ? received + length : undefined
  const count = new Transform({
    transform(chunk: Buffer, _, done) {
      onProgress((received += chunk.length), total)
      done(null, chunk)
    },
  })
  try {
    await pipeline(Readable.fromWeb(response.body as never), count, createWriteStream(part, { flags: goesOn ? 'a' : 'w' }), ...(signal ? [{ signal }] : []))
  } catch (cause) {
    signal?.throwIfAborted()
    if (['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw new TorchgraftError('ERR_WRITE', `Could not write ${part}: ${systemReason(cause)}`, { path: part, cause })
    throw new TorchgraftError('ERR_WEIGHTS_MISSING', `The download of ${url} broke off after ${plural(received, 'byte')} (${reasonOf(cause)}). Run it again: it goes on from there. ${byHand}`, { path: file, cause })
  }
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

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}
