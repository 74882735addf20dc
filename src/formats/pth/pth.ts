import type { FileHandle } from 'node:fs/promises'
import { plural } from '../../text/plural.js'
import { interpretPickle } from './pickle.js'
import { PickleEnd } from './pickle-reader.js'
import { PickleDict } from './pickle-values.js'
import { pthError } from './pth-error.js'
import { openForReading, readAt } from '../files/read-at.js'
import { shortName } from '../short-name.js'
import { checkCrcs, readStoredZip, type StoredEntry } from './stored-zip.js'
import { TorchUnpickler } from './torch-unpickler.js'

const MAX_PICKLE = 1 << 26
/** torch.serialization's, of files before PyTorch 1.6. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn
const LEGACY_PROTOCOL = 1001
const FIRST_READ = 1 << 20

/**
 * A file of `torch.save`: its dicts, lists and numbers, with tensors that are read when they are asked for.
 *
 * The pickle inside is interpreted by a closed set of rules; nothing of it is executed, and what it asks for beyond
 * tensors in dicts and lists is refused.
 */
export class PthFile implements AsyncDisposable {
  readonly path: string
  /**
   * `PickleDict`, arrays, `PickleTuple`, `TorchTensor`, `PickleObject`, `PickleGlobal`, numbers, strings, booleans, null: shared,
   * and in circles, as the file has them.
   */
  readonly value: unknown
  /** Bytes. */
  readonly size: number
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle, size: number, value: unknown) {
    this.path = path
    this.#file = file
    this.size = size
    this.value = value
  }

  /**
   * Reads a zip of PyTorch 1.6 and later, or what was written before. The zip's parts are checked against their CRC.
   *
   * @throws ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED
   */
  static async open(path: string): Promise<PthFile> {
    const file = await openForReading(path)
    try {
      const { size } = await file.stat()
      return new PthFile(path, file, size, await readValue(file, size, path))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

async function readValue(file: FileHandle, size: number, path: string): Promise<unknown> {
  const first = await readAt(file, 0, Math.min(size, 4), path)
  if (first[0] === 0x50 && first[1] === 0x4b) return readZip(file, path)
  if (first[0] === 0x80) return readLegacy(file, size, path)
  throw pthError(path, 'it is neither a zip archive nor a pickle')
}

async function readZip(file: FileHandle, path: string): Promise<unknown> {
  const entries = await readStoredZip(file, path)
  const names = [...entries.keys()]
  const folder = names[0]?.split('/')[0] ?? ''
  const part = (name: string): StoredEntry | undefined => entries.get(`${folder}/${name}`)
  if (part('constants.pkl') || names.some((name) => name.startsWith(`${folder}/code/`))) throw pthError(path, 'it is a TorchScript archive, which holds a program. In Python: torch.save(torch.jit.load(FILE).state_dict(), OTHER)')
  const pickle = part('data.pkl')
  if (!pickle) throw pthError(path, 'there is no data.pkl in it')
  if (pickle.size > MAX_PICKLE) throw pthError(path, `its data.pkl takes ${plural(pickle.size, 'byte')}`)
  const order = part('byteorder')
  const byteOrder = order && new TextDecoder().decode(await readAt(file, order.begin, Math.min(order.size, 16), path))
  if (byteOrder !== undefined && byteOrder !== 'little') throw pthError(path, 'its numbers are big-endian')
  await checkCrcs(file, entries.values(), path)

  const unpickler = new TorchUnpickler(path)
  const { value, end } = interpret(await readAt(file, pickle.begin, pickle.size, path), unpickler, path)
  if (end !== pickle.size) throw pthError(path, 'there are bytes behind its pickle')
  for (const storage of unpickler.storages.values()) {
    const entry = part(`data/${storage.key}`)
    if (entry?.size !== storage.bytes) throw pthError(path, `its storage ${storage.key} should take ${plural(storage.bytes, 'byte')}, and ${entry ? `takes ${entry.size}` : 'is not there'}`)
  }
  unpickler.place((storage) => ({ file, begin: part(`data/${storage.key}`)!.begin }))
  return value
}

/** Five pickles (magic, protocol, system, the object, the keys of its storages), then each storage behind its length. */
async function readLegacy(file: FileHandle, size: number, path: string): Promise<unknown> {
  for (let length = FIRST_READ; ; length *= 4) {
    const bytes = await readAt(file, 0, Math.min(size, length, MAX_PICKLE), path)
    try {
      return await readLegacyFrom(bytes, file, size, path)
    } catch (error) {
      if (!(error instanceof PickleEnd)) throw error
      if (bytes.length === size || bytes.length === MAX_PICKLE) throw pthError(path, 'it is cut short')
    }
  }
}

async function readLegacyFrom(bytes: Uint8Array, file: FileHandle, size: number, path: string): Promise<unknown> {
  const unpickler = new TorchUnpickler(path)
  let at = 0
  const next = (): unknown => {
    const { value, end } = interpretPickle(bytes, unpickler, path, at)
    at = end
    return value
  }
  if (next() !== LEGACY_MAGIC || next() !== LEGACY_PROTOCOL) throw pthError(path, 'it is a pickle, but not one of torch.save')
  const system = next()
  if (!(system instanceof PickleDict) || system.get('little_endian') !== true) throw pthError(path, 'its numbers are big-endian')
  const value = next()
  const keys = next()
  const named = Array.isArray(keys) && keys.every((key) => typeof key === 'string') && new Set(keys).size === keys.length
  if (!named) throw pthError(path, 'it does not name its storages')
  const places = new Map<string, number>()
  for (const key of keys) {
    const storage = unpickler.storages.get(key)
    if (!storage) throw pthError(path, `its storage ${shortName(key)} belongs to no tensor`)
    const count = new DataView((await readAt(file, at, 8, path)).buffer).getBigInt64(0, true)
    if (count !== BigInt(storage.count)) throw pthError(path, `its storage ${storage.key} should hold ${plural(storage.count, 'number')}, and holds ${count}`)
    places.set(storage.key, at + 8)
    at += 8 + storage.bytes
  }
  if (at !== size) throw pthError(path, at > size ? 'it is cut short' : 'there are bytes behind its last storage')
  const lost = [...unpickler.storages.keys()].find((key) => !places.has(key))
  if (lost !== undefined) throw pthError(path, `its storage ${lost} is not there`)
  unpickler.place((storage) => ({ file, begin: places.get(storage.key)! }))
  return value
}

function interpret(bytes: Uint8Array, unpickler: TorchUnpickler, path: string) {
  try {
    return interpretPickle(bytes, unpickler, path)
  } catch (error) {
    if (error instanceof PickleEnd) throw pthError(path, 'its pickle is cut short')
    throw error
  }
}
