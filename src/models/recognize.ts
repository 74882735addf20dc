import { TorchgraftError } from '../errors.js'
import { loadAddon } from '../addon/load.js'
import { compareState, type Shaped } from './state-layout.js'
import { FAMILIES, type ModelName } from './catalogue.js'
import { headNames } from './model-graph.js'

export interface RecognizedModel {
  readonly variant: ModelName
  /** Outputs of its head. */
  readonly classes: number
}

/** The model whose names and shapes these are; undefined where there is none. */
export function recognizeVariant(tensors: ReadonlyMap<string, Shaped>): RecognizedModel | undefined {
  const binding = loadAddon()
  for (const { names } of FAMILIES) {
    const classes = outputsOf(tensors, names[0])
    if (classes < 1) continue
    const variant = names.find((name) => {
      const { missing, unexpected, mismatched } = compareState(binding.describe(name, classes).tensors, tensors)
      return missing.length + unexpected.length + mismatched.length === 0
    })
    if (variant) return { variant, classes }
  }
  return undefined
}

/** By the head's bias, whose name all models of a family share; 0 where there is none. */
function outputsOf(tensors: ReadonlyMap<string, Shaped>, model: ModelName): number {
  const [, bias = ''] = headNames(model)
  return tensors.get(bias)?.shape[0] ?? 0
}

/** The same where the addon may not be set up: undefined then. */
export function tryRecognizeVariant(tensors: ReadonlyMap<string, Shaped>): RecognizedModel | undefined {
  try {
    return recognizeVariant(tensors)
  } catch (error) {
    if (error instanceof TorchgraftError) return undefined
    throw error
  }
}
