import type { FileHandle } from 'node:fs/promises'
import { extname } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { plural } from '../plural.js'
import { interpretPickle, PickleDict, PickleEnd, PickleGlobal, type PickleHandlers, PickleTuple } from './pickle.js'
import { openForReading, readAt } from './read-at.js'
import { checkCrc, readStoredZip, type StoredEntry } from './stored-zip.js'
import { STORAGES, TorchStorage, TorchTensor } from './torch-tensor.js'

const MAX_PICKLE = 1 << 26
/** torch.serialization's, of files before PyTorch 1.6. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn
const LEGACY_PROTOCOL = 1001
const FIRST_READ = 1 << 20
const ORDERED_DICT = 'collections.OrderedDict'
const REBUILD_TENSOR = 'torch._utils._rebuild_tensor_v2'
const REBUILD_PARAMETER = 'torch._utils._rebuild_parameter'
const KNOWN = new Set([ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, 'torch.storage.UntypedStorage', 'torch.storage.TypedStorage', ...STORAGES.keys()])

/** By its name: .pth, .pt, .ckpt or .bin. */
export function isPth(path: string): boolean {
  return ['.pth', '.pt', '.ckpt', '.bin'].includes(extname(path).toLowerCase())
}

/**
 * A file of `torch.save`: its dicts, lists and numbers, with tensors that are read when they are asked for.
 *
 * The pickle inside is interpreted by a closed set of rules; nothing of it is executed, and what it asks for beyond
 * tensors in dicts and lists is refused.
 */
export class PthFile implements AsyncDisposable {
  readonly path: string
  /** `PickleDict`, arrays, `PickleTuple`, `TorchTensor`, numbers, strings, booleans, null. */
  readonly value: unknown
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle, value: unknown) {
    this.path = path
    this.#file = file
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
      return new PthFile(path, file, await readValue(file, path))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

async function readValue(file: FileHandle, path: string): Promise<unknown> {
  const { size } = await file.stat()
  const first = await readAt(file, 0, Math.min(size, 4), path)
  if (first[0] === 0x50 && first[1] === 0x4b) return readZip(file, path)
  if (first[0] === 0x80) return readLegacy(file, size, path)
  throw refuse(path, 'it is neither a zip archive nor a pickle')
}

async function readZip(file: FileHandle, path: string): Promise<unknown> {
  const entries = await readStoredZip(file, path)
  const names = [...entries.keys()]
  const folder = names[0]?.split('/')[0] ?? ''
  const part = (name: string): StoredEntry | undefined => entries.get(`${folder}/${name}`)
  if (part('constants.pkl') || names.some((name) => name.startsWith(`${folder}/code/`))) throw refuse(path, 'it is a TorchScript archive, which holds a program. In Python: torch.save(torch.jit.load(FILE).state_dict(), OTHER)')
  const pickle = part('data.pkl')
  if (!pickle) throw refuse(path, 'there is no data.pkl in it')
  if (pickle.size > MAX_PICKLE) throw refuse(path, `its data.pkl takes ${plural(pickle.size, 'byte')}`)
  const order = part('byteorder')
  if (order && new TextDecoder().decode(await readAt(file, order.begin, Math.min(order.size, 16), path)) !== 'little') throw refuse(path, 'its numbers are big-endian')
  for (const entry of entries.values()) await checkCrc(file, entry, path)

  const world = new World(path)
  const { value, end } = interpret(await readAt(file, pickle.begin, pickle.size, path), world, path)
  if (end !== pickle.size) throw refuse(path, 'there are bytes behind its pickle')
  for (const storage of world.storages.values()) {
    const entry = part(`data/${storage.key}`)
    if (entry?.size !== storage.bytes) throw refuse(path, `its storage ${storage.key} should take ${plural(storage.bytes, 'byte')}, and ${entry ? `takes ${entry.size}` : 'is not there'}`)
  }
  world.place((storage) => ({ file, begin: part(`data/${storage.key}`)!.begin }))
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
      if (bytes.length === size || bytes.length === MAX_PICKLE) throw refuse(path, 'it is cut short')
    }
  }
}

async function readLegacyFrom(bytes: Uint8Array, file: FileHandle, size: number, path: string): Promise<unknown> {
  const world = new World(path)
  let at = 0
  const next = (): unknown => {
    const { value, end } = interpretPickle(bytes, world, path, at)
    at = end
    return value
  }
  if (next() !== LEGACY_MAGIC || next() !== LEGACY_PROTOCOL) throw refuse(path, 'it is a pickle, but not one of torch.save')
  const system = next()
  if (!(system instanceof PickleDict) || system.get('little_endian') !== true) throw refuse(path, 'its numbers are big-endian')
  const value = next()
  const keys = next()
  if (!Array.isArray(keys) || new Set(keys).size !== keys.length) throw refuse(path, 'it does not name its storages')
  const places = new Map<string, number>()
  for (const key of keys as unknown[]) {
    const storage = world.storages.get(String(key))
    if (!storage) throw refuse(path, `its storage ${String(key)} belongs to no tensor`)
    const count = new DataView((await readAt(file, at, 8, path)).buffer).getBigInt64(0, true)
    if (count !== BigInt(storage.count)) throw refuse(path, `its storage ${storage.key} should hold ${plural(storage.count, 'number')}, and holds ${count}`)
    places.set(storage.key, at + 8)
    at += 8 + storage.bytes
  }
  if (at !== size) throw refuse(path, at > size ? 'it is cut short' : 'there are bytes behind its last storage')
  const lost = [...world.storages.keys()].find((key) => !places.has(key))
  if (lost !== undefined) throw refuse(path, `its storage ${lost} is not there`)
  world.place((storage) => ({ file, begin: places.get(storage.key)! }))
  return value
}

function interpret(bytes: Uint8Array, world: World, path: string) {
  try {
    return interpretPickle(bytes, world, path)
  } catch (error) {
    if (error instanceof PickleEnd) throw refuse(path, 'its pickle is cut short')
    throw error
  }
}

/** All that a pickle of `torch.save` may ask for. */
class World implements PickleHandlers {
  readonly storages = new Map<string, TorchStorage>()
  readonly #tensors: TorchTensor[] = []
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  knows(name: string): boolean {
    return KNOWN.has(name)
  }

  reduce(name: string, args: readonly unknown[]): unknown {
    if (name === ORDERED_DICT && args.length === 0) return new PickleDict(true)
    if (name === REBUILD_PARAMETER) return args[0] instanceof TorchTensor ? args[0] : undefined
    if (name !== REBUILD_TENSOR) return undefined
    const [storage, offset, shape, strides] = args
    if (!(storage instanceof TorchStorage && shape instanceof PickleTuple && strides instanceof PickleTuple)) return undefined
    const tensor = new TorchTensor(storage, offset, shape.items, strides.items, this.#path)
    this.#tensors.push(tensor)
    return tensor
  }

  /** ('storage', type, key, device, elements), and in old files a view of it, which none has. */
  persistent(id: unknown): TorchStorage {
    const [word, type, key, , count, view = null] = id instanceof PickleTuple ? id.items : []
    const kind = type instanceof PickleGlobal ? STORAGES.get(type.name) : undefined
    const valid = word === 'storage' && kind && typeof key === 'string' && /^[\w.-]{1,64}$/.test(key) && Number.isSafeInteger(count) && (count as number) >= 0 && view === null
    if (!valid || !Number.isSafeInteger((count as number) * kind.size)) throw refuse(this.#path, 'a storage of a kind that is not known here')
    const before = this.storages.get(key)
    const storage = before ?? new TorchStorage(key, kind, count as number)
    if (storage.kind !== kind || storage.count !== count) throw refuse(this.#path, `its storage ${key} is of two kinds`)
    this.storages.set(key, storage)
    return storage
  }

  place(places: Parameters<TorchTensor['place']>[0]): void {
    for (const tensor of this.#tensors) tensor.place(places)
  }
}

function refuse(path: string, reason: string): TorchgraftError {
  return new TorchgraftError('ERR_FILE_FORMAT', `${path} cannot be read as a .pth file: ${reason}`, { path })
}
