import { type PickleHandlers } from './pickle.js'
import { PickleDict, PickleGlobal, PickleObject, PickleTuple } from './pickle-values.js'
import { pthError } from './pth-error.js'
import { STORAGES, TorchStorage, TorchTensor } from './torch-tensor.js'

const REBUILD = 'torch._utils._rebuild_'
const PARAMETER = 'torch.nn.parameter.Parameter'
const REBUILD_FROM_TYPE = 'torch._tensor._rebuild_from_type_v2'
/** Pairs that calls of OrderedDict may bring, all together: each is copied. */
const MAX_PAIRS = 500_000

/** Read, and not needed here: what a call of each stands for. Their arguments are not looked at. */
const OBJECTS: ReadonlyMap<string, string> = new Map([
  ['torch.device', 'a device'], ['torch.serialization._get_layout', 'a layout'], ['_codecs.encode', 'bytes'],
  ...['builtins', '__builtin__'].flatMap((module) => [
    [`${module}.set`, 'a set'], [`${module}.bytearray`, 'bytes'], [`${module}.complex`, 'a complex number'],
  ] as const),
  [`${REBUILD}qtensor`, 'a quantized tensor'],
  [`${REBUILD}sparse_tensor`, 'a sparse tensor'],
  [`${REBUILD}nested_tensor`, 'a nested tensor'],
  [`${REBUILD}meta_tensor_no_storage`, 'a tensor of the meta device'],
  [`${REBUILD}wrapper_subclass`, 'a tensor of a subclass'],
  [`${REBUILD}device_tensor_from_numpy`, 'a tensor of another device'],
])
const TENSOR_CALLS: ReadonlySet<string> = new Set([`${REBUILD}tensor`, `${REBUILD}tensor_v2`, `${REBUILD}tensor_v3`])
const PARAMETER_CALLS: ReadonlySet<string> = new Set([
  PARAMETER, `${REBUILD}parameter`, `${REBUILD}parameter_with_state`, `${REBUILD}device_tensor_from_cpu_tensor`,
])

const TENSOR_TYPES = ['BFloat16', 'Bool', 'Byte', 'Char', 'Double', 'Float', 'Half', 'Int', 'Long', 'Short']
/** Those that are values by themselves: dtypes, how tensors are quantized, and the names that tensor types had. */
const VALUES: readonly string[] = [
  'bool', 'bfloat16', 'complex32', 'complex64', 'complex128', 'float16', 'float32', 'float64', 'float4_e2m1fn_x2',
  'float8_e4m3fn', 'float8_e4m3fnuz', 'float8_e5m2', 'float8_e5m2fnuz', 'float8_e8m0fnu',
  ...[1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64].flatMap((bits) => [`int${bits}`, `uint${bits}`]),
  'bits8', 'bits16', 'bits1x8', 'bits2x4', 'bits4x2', 'qint8', 'qint32', 'quint8', 'quint2x4', 'quint4x2',
  'per_tensor_affine', 'per_tensor_symmetric', 'per_channel_affine', 'per_channel_symmetric', 'per_channel_affine_float_qparams',
  ...['', 'cuda.', 'sparse.', 'cuda.sparse.'].flatMap((place) => TENSOR_TYPES.map((type) => `${place}${type}Tensor`)),
  'Tensor', 'storage.TypedStorage',
].map((name) => `torch.${name}`)

const KNOWN: ReadonlySet<string> = new Set([
  'collections.OrderedDict', 'collections.Counter', 'torch.Size', REBUILD_FROM_TYPE,
  ...OBJECTS.keys(), ...TENSOR_CALLS, ...PARAMETER_CALLS, ...VALUES, ...STORAGES.keys(),
])

/**
 * Answers what a pickle of `torch.save` asks for, as PyTorch's weights-only unpickler does. Known are the globals that
 * `torch.load(weights_only=True)` takes by default, but for calls of tensor types, which files from before PyTorch 0.4 have.
 * Tensors, numbers and texts become values; of any other object only its kind is kept.
 */
export class TorchUnpickler implements PickleHandlers {
  readonly storages = new Map<string, TorchStorage>()
  readonly #tensors: TorchTensor[] = []
  readonly #path: string
  #pairs = 0

  constructor(path: string) {
    this.#path = path
  }

  knows(name: string): boolean {
    return KNOWN.has(name)
  }

  reduce(name: string, args: readonly unknown[]): unknown {
    const [first] = args
    if (name === 'collections.OrderedDict') return this.#orderedDict(args)
    if (name === 'collections.Counter') return args.length === 0 ? new PickleDict() : first instanceof PickleDict ? first : undefined
    if (name === 'torch.Size') return first instanceof PickleTuple || Array.isArray(first) ? first : undefined
    if (PARAMETER_CALLS.has(name)) return first instanceof TorchTensor || first instanceof PickleObject ? first : undefined
    if (name === REBUILD_FROM_TYPE) return this.#fromType(args)
    if (TENSOR_CALLS.has(name)) return this.#tensor(args)
    const what = OBJECTS.get(name)
    return what === undefined ? undefined : new PickleObject(what)
  }

  /** ('storage', type, key, device, elements), and in old files a view of it, which none has. */
  persistent(id: unknown): TorchStorage {
    const [word, type, key, , count, view = null] = id instanceof PickleTuple ? id.items : []
    const kind = type instanceof PickleGlobal ? STORAGES.get(type.name) : undefined
    const counted = Number.isSafeInteger(count) && (count as number) >= 0
    const valid = word === 'storage' && kind && typeof key === 'string' && /^[\w.-]{1,64}$/.test(key) && counted && view === null
    if (!valid || !Number.isSafeInteger((count as number) * kind.size))
      throw pthError(this.#path, 'a storage of a kind that is not known here')
    const before = this.storages.get(key)
    const storage = before ?? new TorchStorage(key, kind, count as number)
    if (storage.kind !== kind || storage.count !== count) throw pthError(this.#path, `its storage ${key} is of two kinds`)
    this.storages.set(key, storage)
    return storage
  }

  place(places: Parameters<TorchTensor['place']>[0]): void {
    for (const tensor of this.#tensors) tensor.place(places)
  }

  /** Without arguments, as Python 3 has it, or of a list of pairs, as Python 2 has. */
  #orderedDict(args: readonly unknown[]): PickleDict | undefined {
    const dict = new PickleDict(true)
    const [pairs = []] = args
    if (!Array.isArray(pairs) || args.length > 1) return undefined
    if ((this.#pairs += pairs.length) > MAX_PAIRS) throw pthError(this.#path, 'it has more entries than any model has')
    for (const pair of pairs as unknown[]) {
      const items = pair instanceof PickleTuple ? pair.items : pair
      if (!Array.isArray(items) || items.length !== 2 || !['string', 'number'].includes(typeof items[0])) return undefined
      dict.set(items[0] as string | number, items[1])
    }
    return dict
  }

  /** (function, class, arguments, attributes): a tensor that somebody gave attributes, which are left out. */
  #fromType([rebuild, type, args]: readonly unknown[]): unknown {
    const plain = type instanceof PickleGlobal && ['torch.Tensor', PARAMETER].includes(type.name)
    if (!plain || !(rebuild instanceof PickleGlobal) || !(args instanceof PickleTuple)) return undefined
    return rebuild.name.startsWith(REBUILD) ? this.reduce(rebuild.name, args.items) : undefined
  }

  /** (storage, offset, shape, strides, …); the third version has a dtype of a storage that is bytes alone. */
  #tensor([storage, offset, shape, strides]: readonly unknown[]): TorchTensor | PickleObject | undefined {
    if (!(storage instanceof TorchStorage && shape instanceof PickleTuple && strides instanceof PickleTuple)) return undefined
    const { dtype } = storage.kind
    if (dtype === undefined) return new PickleObject('a tensor of numbers that are not read here')
    const tensor = new TorchTensor(storage, dtype, offset, shape.items, strides.items, this.#path)
    this.#tensors.push(tensor)
    return tensor
  }
}
