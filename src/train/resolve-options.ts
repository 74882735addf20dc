import { argumentError, TorchgraftError } from '../errors.js'
import { checkFields } from '../fields.js'
import type { RegNetVariant } from '../native/variants.js'
import { onDisk } from '../weights/catalogue.js'
import { TRAIN_FIELDS } from './option-fields.js'
import { DEFAULTS, type RecipeName, type ResolvedOptions, SHIPPED_WEIGHTS, type TrainOptions } from './options.js'

/**
 * Checks every option once, and fills in the defaults.
 *
 * @throws ERR_ARGUMENT, ERR_MODEL_UNKNOWN, ERR_WEIGHTS_MISSING
 */
export function resolveOptions(options: TrainOptions): ResolvedOptions {
  checkFields<TrainOptions>(options, TRAIN_FIELDS, 'train')
  const recipe = options.recipe ?? 'default'
  const { data: _data, output: _output, resume: _resume, signal: _signal, onEvent: _onEvent, onProgress: _onProgress, ...asked } = withoutUndefined(options)
  const { weights, memoryFormat = null, threads = null, ...merged } = { ...DEFAULTS[recipe], ...asked }
  const given = { ...merged, progressiveResizing: asked.progressiveResizing ?? (recipe === 'default' && merged.patience === null) }
  checkRecipes(given, recipe)
  return { ...given, recipe, weights: weights === undefined ? defaultWeights(given.model, recipe) : weights, memoryFormat, threads }
}

function checkRecipes({ meanStd, sanitySteps, progressiveResizing }: Pick<ResolvedOptions, 'meanStd' | 'sanitySteps' | 'progressiveResizing'>, recipe: RecipeName): void {
  if (recipe === 'notebook') {
    if (progressiveResizing) throw argumentError('recipe default, which alone takes it,', 'progressiveResizing', progressiveResizing)
    return
  }
  if (meanStd !== 'imagenet') throw argumentError('recipe notebook, which alone takes it,', 'meanStd', meanStd)
  if (sanitySteps > 0) throw argumentError('recipe notebook, which alone takes it,', 'sanitySteps', sanitySteps)
}

/** As the notebook's `pretrained=True` has it. */
const NOTEBOOK_WEIGHTS = 'regnet_y_16gf-imagenet1k_v1'

function defaultWeights(model: RegNetVariant, recipe: RecipeName): string {
  const name = SHIPPED_WEIGHTS[model]
  if (name !== undefined) return name
  if (recipe === 'notebook' && model === DEFAULTS.notebook.model) return NOTEBOOK_WEIGHTS
  const found = onDisk(model)
  if (found) return found.name
  throw new TorchgraftError('ERR_WEIGHTS_MISSING', `No weights of ${model} ship or lie on this disk: pull some ("torchgraft weights" lists them), name a file of it as weights, or none to train from scratch`)
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T
}
