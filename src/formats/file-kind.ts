import { extname } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { openForReading, readInto } from './files/read-at.js'

export type FileKind = 'safetensors' | 'pth' | 'onnx'

const FIRST_BYTES = 512
/** The most that a safetensors header may be long. */
const MAX_HEADER = 100_000_000
const ENDINGS: Readonly<Partial<Record<string, FileKind>>> = {
  '.safetensors': 'safetensors', '.onnx': 'onnx', '.pth': 'pth', '.pt': 'pth', '.ckpt': 'pth', '.bin': 'pth',
}
/** Fields of ONNX's ModelProto that may follow the first, as protobuf has them: the field's number and how it is written. */
const ONNX_FIELDS = new Set([0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72])

/**
 * What a file of weights is: by its first bytes, since names such as `model_best.pth.tar`, or none at all, say little; by its
 * ending where they tell nothing, so that a damaged file is told of as what it was to be.
 *
 * @throws ERR_FILE_FORMAT where it is none, saying what it looks like
 */
export async function fileKind(path: string): Promise<FileKind> {
  const first = await firstBytes(path)
  const kind = kindOf(first)
  if (kind) return kind
  const looks = OTHERS.find(({ is }) => is(first))
  if (looks) throw new TorchgraftError('ERR_FILE_FORMAT', `${path} ${looks.says}`, { path })
  const named = ENDINGS[extname(path).toLowerCase()]
  if (named) return named
  const says = 'is neither a .safetensors, a .pth nor an .onnx file, and only those are read as models'
  throw new TorchgraftError('ERR_FILE_FORMAT', `${path} ${says}`, { path })
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await openForReading(path)
  try {
    const { size } = await file.stat()
    const bytes = Buffer.alloc(Math.min(size, FIRST_BYTES))
    await readInto(file, 0, bytes, path)
    return bytes
  } finally {
    await file.close()
  }
}

function kindOf(first: Buffer): FileKind | undefined {
  if (first.length >= 9 && first[8] === 0x7b && first.readBigUInt64LE(0) <= MAX_HEADER) return 'safetensors'
  if (starts(first, 'PK\x03\x04') || first[0] === 0x80) return 'pth' // a zip, or a pickle
  return first[0] === 0x08 && (first[1] ?? 0xff) < 0x80 && ONNX_FIELDS.has(first[2] ?? 0) ? 'onnx' : undefined
}

interface Other {
  readonly is: (first: Buffer) => boolean
  readonly says: string
}

/** What people have in place of a model. */
const OTHERS: readonly Other[] = [
  { is: (first) => first.length === 0, says: 'is empty' },
  { is: (first) => starts(first, 'version https://git-lfs'), says: 'is a pointer of Git LFS, not the model: fetch that by "git lfs pull"' },
  { is: (first) => /^\s*<(?:!doctype html|html)/i.test(first.toString('latin1')), says: 'is a web page, and not what was to be downloaded' },
  { is: (first) => starts(first, '\x1f\x8b'), says: 'is packed by gzip: unpack it first' },
  { is: (first) => first.toString('latin1', 257, 262) === 'ustar', says: 'is a tar archive: unpack it, and name the file inside' },
  { is: (first) => starts(first, '\x89HDF'), says: 'is an HDF5 file, as Keras writes: only PyTorch’s, safetensors and ONNX are read' },
  { is: (first) => starts(first, '\x93NUMPY'), says: 'is an array of NumPy: only PyTorch’s, safetensors and ONNX are read' },
]

function starts(first: Buffer, text: string): boolean {
  return first.toString('latin1', 0, text.length) === text
}
