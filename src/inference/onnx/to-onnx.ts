import { METADATA_KEY, type ModelMetadata } from '../../runs/model-metadata.js'
import type { ResizeRule } from '../../images/resize-rule.js'
import type { StateDict } from '../../formats/tensor.js'
import { packageVersion } from '../../package.js'
import { plural } from '../../text/plural.js'
import type { OnnxModel } from './onnx-model.js'
import type { ModelGraph } from '../../addon/model-graph.js'
import { inputType, onnxGraph, type OnnxOptions } from './onnx-graph.js'

/** Old enough for phones and converters, and the first that needs no more than it has. */
const OPSET = 13
/** ONNX's own version that goes with it. */
const IR_VERSION = 7

/** A model as ONNX, with all that predicting needs in its metadata, under the key that model files have. */
export function toOnnx(layers: ModelGraph, tensors: StateDict, metadata: ModelMetadata, options: OnnxOptions): OnnxModel {
  return {
    irVersion: IR_VERSION,
    producerName: 'torchgraft',
    producerVersion: packageVersion(),
    docString: describe(metadata),
    graph: onnxGraph(layers, tensors, metadata, options),
    opsetImport: [{ domain: '', version: OPSET }],
    metadataProps: [{ key: METADATA_KEY, value: JSON.stringify(metadata) }],
  }
}

/** For whoever has the file and not torchgraft. */
function describe({ model, classes, size, resize, weights }: ModelMetadata): string {
  const licence = weights?.licence
  return [
    `${model}, ${plural(classes.length, 'class', 'classes')}.`,
    `images: ${inputType(resize)} [n, ${size}, ${size}, 3], RGB from 0 to 255, ${resizing(size, resize)}. Normalization is in the graph.`,
    `probabilities: float32 [n, ${classes.length}], in the order of "classes" in the metadata "${METADATA_KEY}" (JSON).`,
    ...(weights ? [`Training began from ${weights.name}.${licence ? ` Its licence: ${licence}` : ''}`] : []),
  ].join('\n')
}

function resizing(size: number, { shorterSide, crop, antialias, pad, orient }: ResizeRule): string {
  const steps = [
    ...(orient ? ['turned as the camera says'] : []),
    ...(shorterSide === null ? [] : [`resized to a shorter side of ${shorterSide} (bilinear${antialias ? ', antialiased' : ''})`]),
    ...(pad === null ? [] : ['put in the middle of a black square']),
    crop === null ? `resized to ${size} × ${size} (bilinear, not antialiased, not rounded)` : `the middle ${crop} × ${crop}`,
  ]
  return steps.join(', ')
}
