import { argumentError, TorchgraftError } from '../../errors.js'
import { checkFields } from '../../options/checks.js'
import { local } from '../../options/local-path.js'
import type { RegNetVariant } from '../../models/variants.js'
import { onDisk } from '../../models/weights/catalogue.js'
import { TRAIN_FIELDS } from './checks.js'
import { DEFAULTS, type RecipeName, type ResolvedOptions, SHIPPED_WEIGHTS, type TrainOptions } from '../../recipes/options.js'

/**
 * Checks every option once, and fills in the defaults.
 *
 * @throws ERR_ARGUMENT, ERR_MODEL_UNKNOWN, ERR_WEIGHTS_MISSING
 */
export function resolveOptions(given: TrainOptions): ResolvedOptions {
  checkFields<TrainOptions>(given, TRAIN_FIELDS, 'train')
  const options = local(given)
  const recipe = options.recipe ?? 'default'
  const { data: _data, output: _output, resume: _resume, signal: _signal, onEvent: _onEvent, onProgress: _onProgress, ...asked } = withoutUndefined(options)
  const { weights, memoryFormat = null, threads = null, ...merged } = { ...DEFAULTS[recipe], ...asked }
  const chosen = { ...merged, progressiveResizing: asked.progressiveResizing ?? (recipe === 'default' && merged.patience === null) }
  checkRecipes(chosen, recipe)
  return { ...chosen, recipe, weights: weights === undefined ? defaultWeights(chosen.model, recipe) : weights, memoryFormat, threads }
}

function checkRecipes({ meanStd, sanitySteps, progressiveResizing }: Pick<ResolvedOptions, 'meanStd' | 'sanitySteps' | 'progressiveResizing'>, recipe: RecipeName): void {
  if (recipe === 'notebook') {
    if (progressiveResizing) throw argumentError((option) => `${option('recipe', 'default')}, which alone has it,`, 'progressiveResizing', progressiveResizing)
    return
  }
  if (meanStd !== 'imagenet') throw argumentError((option) => `${option('recipe', 'notebook')}, which alone has it,`, 'meanStd', meanStd)
  if (sanitySteps > 0) throw argumentError((option) => `${option('recipe', 'notebook')}, which alone has it,`, 'sanitySteps', sanitySteps)
}

/** As the notebook's `pretrained=True` has it. */
const NOTEBOOK_WEIGHTS = 'regnet_y_16gf-imagenet1k_v1'

function defaultWeights(model: RegNetVariant, recipe: RecipeName): string {
  const name = SHIPPED_WEIGHTS[model]
  if (name !== undefined) return name
  if (recipe === 'notebook' && model === DEFAULTS.notebook.model) return NOTEBOOK_WEIGHTS
  const found = onDisk(model)
  if (found) return found.name
  throw new TorchgraftError('ERR_WEIGHTS_MISSING', (option) => `There are no weights for ${model} on this disk, and none ship with torchgraft: pull some ("torchgraft weights" lists them), name a file (${option('weights')}), or train from scratch (${option('weights', null)})`)
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T
}
