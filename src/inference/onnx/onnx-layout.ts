import { TorchgraftError } from '../../errors.js'
import { Head, type ProtobufField, ProtobufReader } from '../../formats/protobuf-fields.js'
import { openForReading } from '../../formats/files/read-at.js'
import { modelError } from '../../formats/file-error.js'

/** What an ONNX file says of itself, without its weights and its graph. */
export interface OnnxLayout {
  readonly producerName: string
  readonly metadata: ReadonlyMap<string, string>
  readonly tensors: readonly OnnxTensorLayout[]
}

export interface OnnxTensorLayout {
  readonly name: string
  /** TensorProto.DataType */
  readonly dataType: number
  readonly dims: readonly number[]
}

/** Numbers of fields, as onnx.proto has them. */
const MODEL = { producerName: 2, graph: 7, metadataProps: 14 } as const
const GRAPH = { initializer: 5 } as const
const TENSOR = { dims: 1, dataType: 2, name: 8 } as const
const ENTRY = { key: 1, value: 2 } as const
/** Far above what any model has, so that no file takes long, or much memory. */
const MAX_FIELDS = 500_000
const MAX_TEXT = 1 << 24
const MAX_NAME = 1 << 16
const MAX_DIMENSIONS = 64

/**
 * Reads what an ONNX file says of itself: metadata, and names and shapes of its tensors. Whatever else there is, the
 * weights above all, is skipped and not read.
 *
 * @throws ERR_FILE_FORMAT
 */
export async function readOnnxLayout(path: string): Promise<OnnxLayout> {
  const file = await openForReading(path)
  try {
    const { size } = await file.stat()
    return await readModel(new ProtobufReader(file, size, path, MAX_FIELDS), size)
  } catch (cause) {
    if (cause instanceof TorchgraftError) throw cause
    throw modelError(path, `it is no whole ONNX file (${(cause as Error).message})`, cause)
  } finally {
    await file.close()
  }
}

async function readModel(reader: ProtobufReader, size: number): Promise<OnnxLayout> {
  let producerName = ''
  let text = 0
  const metadata = new Map<string, string>()
  const tensors: OnnxTensorLayout[] = []
  for await (const field of reader.fields(0, size)) {
    if (field.number === MODEL.producerName) producerName = await reader.text(field, MAX_NAME)
    else if (field.number === MODEL.graph) await readGraph(reader, field, tensors)
    else if (field.number === MODEL.metadataProps) {
      if ((text += field.end - field.begin) > MAX_TEXT) throw new SyntaxError('more metadata than any model has')
      await readEntry(reader, field, metadata)
    }
  }
  return { producerName, metadata, tensors }
}

async function readEntry(reader: ProtobufReader, { begin, end }: ProtobufField, metadata: Map<string, string>): Promise<void> {
  let [key, value] = ['', '']
  for await (const field of reader.fields(begin, end)) {
    if (field.number === ENTRY.key) key = await reader.text(field, MAX_NAME)
    else if (field.number === ENTRY.value) value = await reader.text(field, MAX_TEXT)
  }
  metadata.set(key, value)
}

async function readGraph(reader: ProtobufReader, { begin, end }: ProtobufField, tensors: OnnxTensorLayout[]): Promise<void> {
  for await (const field of reader.fields(begin, end)) {
    if (field.number === GRAPH.initializer) tensors.push(await readTensor(reader, field))
  }
}

async function readTensor(reader: ProtobufReader, { begin, end }: ProtobufField): Promise<OnnxTensorLayout> {
  let name = ''
  let dataType = 0
  const dims: number[] = []
  for await (const field of reader.fields(begin, end)) {
    if (field.number === TENSOR.name) name = await reader.text(field, MAX_NAME)
    else if (field.number === TENSOR.dataType) dataType = field.value
    else if (field.number === TENSOR.dims && !Number.isNaN(field.value)) dims.push(field.value)
    else if (field.number === TENSOR.dims) dims.push(...packed(await reader.bytes(field, MAX_DIMENSIONS * 10)))
    if (dims.length > MAX_DIMENSIONS) throw new SyntaxError('a tensor of more dimensions than any model has')
  }
  return { name, dataType, dims }
}

/** Numbers one behind the other, as newer writers put them. */
function packed(bytes: Uint8Array): number[] {
  const head = new Head(bytes)
  const numbers: number[] = []
  while (head.at < bytes.length) numbers.push(head.varint())
  return numbers
}
