import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { SkippedFile } from '../datasets/skipped-file.js'
import type { ImageSource } from '../images/image-source.js'
import { listImages } from '../datasets/list-images.js'
import { type PassedOver, PassedOverCounts } from '../datasets/passed-over.js'
import { MAX_FILE_BYTES, TOO_LARGE_A_FILE } from '../images/image-errors.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { isAddress, toPath } from '../options/local-path.js'
import { systemReason } from '../text/system-reason.js'
import type { Streams } from './command.js'
import { shellWord } from '../text/shell-word.js'

/** An image, and what the user called it. */
export interface NamedImage {
  readonly name: string
  readonly image: ImageSource
}

export interface Operand {
  readonly images: readonly NamedImage[]
  readonly skipped: readonly SkippedFile[]
  /** Of a folder: what it holds besides. */
  readonly passedOver?: PassedOver
}

const STDIN = '-'
const EXAMPLE = 'npx torchgraft predict MODEL - < IMAGE.jpg'

/**
 * The images that a command line names: files, folders with all that lies in them, pipes, and `-` for standard input.
 *
 * @throws ERR_ARGUMENT where there is none, or an address, which nothing is fetched from
 */
export async function openOperands(operands: readonly string[], streams: Pick<Streams, 'stdin'>): Promise<readonly Operand[]> {
  if (operands.length === 0) throw argumentError('image files, folders, or - for standard input,', 'images', undefined)
  if (operands.filter((operand) => operand === STDIN).length > 1) {
    throw argumentError('- once, since standard input can be read once,', 'images', [...operands])
  }
  const paths = operands.map(localPath)
  return Promise.all(paths.map((path) => (path === STDIN ? readStdin(streams.stdin ?? process.stdin) : openPath(path))))
}

function localPath(operand: string): string {
  if (/^file:\/\//i.test(operand)) return toPath(operand)
  if (!isAddress(operand)) return operand
  const how = /^https?:/i.test(operand) ? `, or pipe it: curl -L ${shellWord(operand)} | npx torchgraft predict MODEL -` : ''
  throw new TorchgraftError('ERR_ARGUMENT', `${operand} is an address, and torchgraft fetches no images: download it first${how}`)
}

/**
 * A folder's images at any depth, sorted by name, and the files that look like images and are not read. Any other path is taken for an
 * image.
 */
async function openPath(path: string): Promise<Operand> {
  const info = await stat(path).catch(() => undefined)
  if (info?.isFIFO()) return oneImage(path, await readAll(createReadStream(path), path))
  if (!info?.isDirectory()) return oneImage(path, path)
  const counts = new PassedOverCounts()
  const { images, skipped } = await listImages([{ label: '', path }], { root: path, followLinks: true, passedOver: counts })
  return { images: images.map((image) => image.path).sort().map((name) => ({ name, image: name })), skipped, passedOver: counts.counts }
}

async function readStdin(stdin: NonNullable<Streams['stdin']>): Promise<Operand> {
  if (stdin.isTTY === true) throw new TorchgraftError('ERR_ARGUMENT', `- is an image from standard input, which is the terminal here: pipe one to it, as in ${EXAMPLE}`)
  return oneImage(STDIN, await readAll(stdin, 'Standard input'))
}

function oneImage(name: string, image: ImageSource): Operand {
  return { images: [{ name, image }], skipped: [] }
}

/** All bytes of a stream, up to the limit that files have. */
async function readAll(stream: NodeJS.ReadableStream, name: string): Promise<Uint8Array> {
  const refuse = (code: 'ERR_IMAGE_DECODE' | 'ERR_IMAGE_TOO_LARGE', reason: string, cause?: unknown) =>
    new TorchgraftError(code, `${name} cannot be read: ${reason}`, { cause })
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of stream) {
      bytes += chunks[chunks.push(Buffer.from(chunk)) - 1]!.length
      if (bytes > MAX_FILE_BYTES) break
    }
  } catch (cause) {
    throw refuse('ERR_IMAGE_DECODE', systemReason(cause), cause)
  }
  if (bytes === 0) throw refuse('ERR_IMAGE_DECODE', 'it is empty')
  if (bytes > MAX_FILE_BYTES) throw refuse('ERR_IMAGE_TOO_LARGE', TOO_LARGE_A_FILE)
  return Buffer.concat(chunks)
}
