/** An ONNX model as plain objects, field for field as onnx.proto has them. */
export interface OnnxModel {
  readonly irVersion: number
  readonly producerName: string
  readonly producerVersion: string
  readonly docString: string
  readonly graph: OnnxGraph
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[]
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[]
}

export interface OnnxGraph {
  readonly name: string
  readonly node: readonly OnnxNode[]
  readonly initializer: readonly OnnxTensor[]
  readonly input: readonly OnnxValue[]
  readonly output: readonly OnnxValue[]
}

export interface OnnxNode {
  readonly name: string
  readonly opType: string
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly attribute: readonly OnnxAttribute[]
}

export interface OnnxAttribute {
  readonly name: string
  readonly type: number
  readonly i?: number
  readonly ints?: readonly number[]
}

export interface OnnxTensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly dataType: number
  /** Little-endian. */
  readonly rawData: Uint8Array
}

export interface OnnxValue {
  readonly name: string
  readonly type: { readonly tensorType: { readonly elemType: number; readonly shape: { readonly dim: readonly OnnxDimension[] } } }
}

export type OnnxDimension = { readonly dimValue: number } | { readonly dimParam: string }

/** AttributeProto.AttributeType */
const ATTRIBUTE_TYPE = { int: 2, ints: 7 } as const
/** TensorProto.DataType */
export const DATA_TYPE = { float32: 1, uint8: 2, int64: 7, float16: 10, bfloat16: 16 } as const

export function attributes(values: Readonly<Record<string, number | readonly number[]>>): OnnxAttribute[] {
  return Object.entries(values).map(([name, value]) => {
    return typeof value === 'number' ? { name, type: ATTRIBUTE_TYPE.int, i: value } : { name, type: ATTRIBUTE_TYPE.ints, ints: value }
  })
}

/** An input or output of the graph. Sizes that are names are open. */
export function value(name: string, elemType: number, shape: readonly (number | string)[]): OnnxValue {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }))
  return { name, type: { tensorType: { elemType, shape: { dim } } } }
}
