import { TorchgraftError } from '../errors.js'
import { loadAddon } from '../addon/load.js'
import { compareState, type Shaped } from './state-layout.js'
import { MODEL_NAMES, type ModelName } from './catalogue.js'

/** The variant whose names and shapes these are, and its number of classes; undefined where there is none. */
export function recognizeVariant(tensors: ReadonlyMap<string, Shaped>): { readonly variant: ModelName; readonly classes: number } | undefined {
  const classes = tensors.get('fc.bias')?.shape[0] ?? 0
  if (classes < 1) return undefined
  const binding = loadAddon()
  const variant = MODEL_NAMES.find((name) => {
    const { missing, unexpected, mismatched } = compareState(binding.describe(name, classes), tensors)
    return missing.length + unexpected.length + mismatched.length === 0
  })
  return variant && { variant, classes }
}

/** The same where the addon may not be set up: undefined then. */
export function tryRecognizeVariant(tensors: ReadonlyMap<string, Shaped>): ReturnType<typeof recognizeVariant> {
  try {
    return recognizeVariant(tensors)
  } catch (error) {
    if (error instanceof TorchgraftError) return undefined
    throw error
  }
}
