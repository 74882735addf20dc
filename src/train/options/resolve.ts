import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { TorchgraftError } from '../../errors.js'
import type { ModelName } from '../../models/catalogue.js'
import { SHIPPED_WEIGHTS } from '../../models/catalogue.js'
import { onDisk } from '../../models/weights/catalogue.js'
import type { Local } from '../../options/local-path.js'
import { RECIPE_OF } from '../../recipes/by-name.js'
import type { ResolvedOptions, TrainOptions } from '../../recipes/options.js'
import type { Recipe } from '../../recipes/recipe.js'

/**
 * Fills in the defaults of checked options.
 *
 * @throws ERR_ARGUMENT for an option that the recipe does not have, ERR_WEIGHTS_MISSING
 */
export function resolveOptions(options: Local<TrainOptions>): ResolvedOptions {
  const { data: _data, output: _output, resume: _resume, recipe: name = 'default', ...rest } = withoutUndefined(options)
  const recipe = RECIPE_OF[name]
  const { signal: _signal, onEvent: _onEvent, onProgress: _onProgress, ...given } = rest
  const { weights, memoryFormat = null, threads = null, ...merged } = { ...recipe.defaults, ...given }
  const growing = recipe.sizes !== undefined && merged.patience === null // early stopping might end a run before its images have grown
  const decided = { ...merged, progressiveResizing: given.progressiveResizing ?? growing }
  recipe.checkOptions(decided)
  const chosenWeights = weights === undefined ? defaultWeights(merged.model, recipe) : weights
  return { ...decided, recipe: name, weights: chosenWeights, memoryFormat, threads }
}

/** Paths as they are from wherever the run is resumed. */
export function withAbsolutePaths(options: ResolvedOptions): ResolvedOptions {
  const { val, weights } = options
  const isFile = weights !== null && !Object.values(SHIPPED_WEIGHTS).includes(weights) && existsSync(weights)
  return { ...options, val: typeof val === 'string' ? resolve(val) : val, weights: isFile ? resolve(weights) : weights }
}

function defaultWeights(model: ModelName, recipe: Recipe): string {
  const name = SHIPPED_WEIGHTS[model] ?? recipe.defaultWeights?.(model) ?? onDisk(model)?.name
  if (name !== undefined) return name
  const none = `There are no weights for ${model} on this disk, and none ship with torchgraft`
  throw new TorchgraftError('ERR_WEIGHTS_MISSING', (option) => {
    const elsewhere = `name a file (${option('weights')}), or train from scratch (${option('weights', null)})`
    return `${none}: pull some ("torchgraft weights" lists them), ${elsewhere}`
  })
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T
}
