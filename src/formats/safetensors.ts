import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { argumentError } from '../errors.js'
import type { Check } from '../options/checks.js'
import { aPath, type LocalPath, toPath } from '../options/local-path.js'
import { plural } from '../text/plural.js'
import { checkStateDict } from './check-state-dict.js'
import { fileError } from './file-error.js'
import { convertNumbers, NUMBER_KINDS, type NumberKind } from './number-kinds.js'
import { parseJson } from './parse-json.js'
import { openForReading, readAt } from './files/read-at.js'
import { shortName } from './short-name.js'
import { elements, type StateDict, type Tensor, type TensorDtype } from './tensor.js'
import { type Files, writeFileWhole } from './files/write-file.js'

export interface SafetensorsFile {
  readonly tensors: StateDict
  readonly metadata: Readonly<Record<string, string>>
}

/** Those that are written come first. */
const KINDS: ReadonlyMap<string, NumberKind & { readonly dtype: TensorDtype }> = new Map([
  ['F32', NUMBER_KINDS.float32], ['F16', NUMBER_KINDS.float16], ['BF16', NUMBER_KINDS.bfloat16], ['I64', NUMBER_KINDS.int64],
  ['F64', NUMBER_KINDS.float64], ['I32', NUMBER_KINDS.int32], ['I16', NUMBER_KINDS.int16], ['I8', NUMBER_KINDS.int8],
  ['U8', NUMBER_KINDS.uint8], ['BOOL', NUMBER_KINDS.uint8],
])
const DTYPE_NAMES: Readonly<Record<TensorDtype, string>> = { float32: 'F32', float16: 'F16', bfloat16: 'BF16', int64: 'I64' }
/** The reference reader's limit on the header. */
const MAX_HEADER = 100_000_000
/** A tensor's entry has some dozen names and values; 100,000 tensors are far more than any model has. */
const HEADER_LIMITS = { depth: 3, values: 2_000_000, uniqueKeys: true }
const MAX_DIMENSIONS = 64
/** Bytes handled at once between two turns of the event loop: about a millisecond of hashing. */
const CHUNK = 1 << 20
const refuse = fileError('is not a valid safetensors file')

/**
 * Reads a whole safetensors file, making the checks of the reference reader in its order. F64 is rounded to float32;
 * whole numbers and BOOL become int64.
 *
 * @throws ERR_FILE_FORMAT when the file is not what it should be, naming the tensor.
 */
export async function readSafetensors(location: LocalPath): Promise<SafetensorsFile> {
  aPath('a .safetensors file')(location, 'path')
  const path = toPath(location)
  const file = await openForReading(path)
  try {
    const { entries, metadata, dataStart } = await readHeader(file, path)
    const tensors = new Map<string, Tensor>()
    for (const { name, kind, dtype, shape, begin, end } of entries) {
      const bytes = await readAt(file, dataStart + begin, end - begin, path)
      tensors.set(name, { dtype, shape, data: kind.read ? convertNumbers(bytes, kind, elements(shape)) : bytes })
    }
    return { tensors, metadata }
  } finally {
    await file.close()
  }
}

/** What a safetensors file says of itself, without its tensors' numbers: cheap, whatever its size. */
export async function readSafetensorsLayout(path: string): Promise<{
  readonly tensors: readonly Pick<Entry, 'name' | 'dtype' | 'shape'>[]
  readonly metadata: Readonly<Record<string, string>>
}> {
  const file = await openForReading(path)
  try {
    const { entries, metadata } = await readHeader(file, path)
    return { tensors: entries.map(({ name, dtype, shape }) => ({ name, dtype, shape })), metadata }
  } finally {
    await file.close()
  }
}

type Texts = Readonly<Record<string, string>>

const checkTexts: Check = (value, name) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.values(value).some((text) => typeof text !== 'string')) throw argumentError('an object of texts', name, value)
}

/**
 * Writes a safetensors file whole or not at all, tensors packed in the map's order.
 *
 * @param metadata texts by their names, for the header @default {}
 * @returns the file's size in bytes
 * @throws ERR_ARGUMENT, ERR_WRITE
 */
export function writeSafetensors(location: LocalPath, tensors: StateDict, metadata?: Readonly<Record<string, string>>): Promise<number>
/** @internal */
export function writeSafetensors(location: LocalPath, tensors: StateDict, metadata: Texts, files?: Files): Promise<number>
export async function writeSafetensors(location: LocalPath, tensors: StateDict, metadata: Texts = {}, files?: Files): Promise<number> {
  aPath('a file')(location, 'path')
  const path = toPath(location)
  checkStateDict(tensors, 'tensors')
  checkTexts(metadata, 'metadata')
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : []
  let offset = 0
  for (const [name, { dtype, shape, data }] of tensors) {
    header.push([name, { dtype: DTYPE_NAMES[dtype], shape, data_offsets: [offset, (offset += data.length)] }])
  }
  const json = new TextEncoder().encode(`{${header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`)
  const padded = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20) // so that the tensors begin on a multiple of 8
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true)
  padded.set(json, 8)
  return writeFileWhole(path, [padded, ...[...tensors.values()].map(({ data }) => data)], files)
}

/** SHA-256, in hex, of the tensors one after another: of the file's whole tensor part. */
export async function hashTensors(tensors: StateDict): Promise<string> {
  const hash = createHash('sha256')
  let sinceTurn = 0
  for (const { data } of tensors.values()) {
    for (let begin = 0; begin < data.length; begin += CHUNK) {
      const chunk = data.subarray(begin, begin + CHUNK)
      hash.update(chunk)
      if ((sinceTurn += chunk.length) < CHUNK) continue
      await nextTurn()
      sinceTurn = 0
    }
  }
  return hash.digest('hex')
}

interface Entry {
  readonly name: string
  readonly kind: NumberKind
  readonly dtype: TensorDtype
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

async function readHeader(file: FileHandle, path: string) {
  const stat = await file.stat()
  if (stat.size < 8) throw refuse(path, `it has ${plural(stat.size, 'byte')}, and the length of its header alone takes 8`)
  const length = new DataView((await readAt(file, 0, 8, path)).buffer).getBigUint64(0, true)
  if (length > MAX_HEADER) throw refuse(path, `its header would be ${plural(Number(length), 'byte')} long`)
  const dataStart = 8 + Number(length)
  if (dataStart > stat.size) throw refuse(path, `its header should be ${plural(Number(length), 'byte')} long, and the file has ${stat.size}: it may have been cut short`)
  const { entries, metadata } = parseHeader(await readAt(file, 8, Number(length), path), path)
  const end = entries.at(-1)?.end ?? 0
  if (dataStart + end !== stat.size) throw refuse(path, `its tensors end at byte ${dataStart + end}, and the file has ${stat.size}: it may have been cut short`)
  return { entries, metadata, dataStart }
}

function parseHeader(bytes: Uint8Array, path: string): { entries: Entry[]; metadata: Record<string, string> } {
  let header: unknown
  try {
    const json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (!json.startsWith('{')) throw new SyntaxError('it does not begin with {')
    header = parseJson(json, HEADER_LIMITS)
  } catch (cause) {
    throw refuse(path, `its header is not JSON as it should be: ${(cause as Error).message}`, cause)
  }
  let metadata: Record<string, string> = {}
  const entries: Entry[] = []
  for (const [name, value] of Object.entries(header as object)) {
    if (name === '__metadata__') metadata = parseMetadata(value, path)
    else entries.push(parseEntry(name, value, path))
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let previous = 0
  for (const { name, begin, end, kind, shape } of entries) {
    if (begin !== previous) throw refuse(path, `tensor ${shortName(name)} begins at ${begin}, where ${previous} was expected`)
    const bytes = elements(shape) * kind.size
    if (end - begin !== bytes) throw refuse(path, `tensor ${shortName(name)} takes ${plural(end - begin, 'byte')}, where [${shape.join(', ')}] takes ${bytes}`)
    previous = end
  }
  return { entries, metadata }
}

function parseMetadata(value: unknown, path: string): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(path, 'its metadata is not an object')
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw refuse(path, `its metadata has ${JSON.stringify(shortName(key))} that is not a string`)
  }
  return value as Record<string, string>
}

function parseEntry(name: string, value: unknown, path: string): Entry {
  const { dtype: dtypeName, shape, data_offsets: offsets } = (value ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown }
  const kind = typeof dtypeName === 'string' ? KINDS.get(dtypeName) : undefined
  if (!kind) {
    const found = typeof dtypeName === 'string' ? `dtype ${shortName(dtypeName)}` : 'no dtype'
    throw refuse(path, `tensor ${shortName(name)} has ${found}; ${[...KINDS.keys()].join(', ')} are read`)
  }
  const valid = isCounts(shape) && shape.length <= MAX_DIMENSIONS && Number.isSafeInteger(elements(shape) * kind.size)
  if (!valid) throw refuse(path, `tensor ${shortName(name)} has no valid shape`)
  if (!isCounts(offsets) || offsets.length !== 2) throw refuse(path, `tensor ${shortName(name)} has no valid data_offsets`)
  return { name, kind, dtype: kind.dtype, shape, begin: offsets[0] ?? 0, end: offsets[1] ?? 0 }
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && (count as number) >= 0)
}
