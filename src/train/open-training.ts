import type { TrainVal } from '../datasets/describe-splits.js'
import type { ImageFolder } from '../datasets/image-folder.js'
import { type InitialWeights, openInitialWeights } from '../models/weights/initial-weights.js'
import { RECIPE_OF } from '../recipes/by-name.js'
import type { ResolvedOptions } from '../recipes/options.js'
import type { Recipe } from '../recipes/recipe.js'
import type { SessionOptions } from '../session/options.js'
import { isOnGpu } from '../session/resolve-options.js'

/** What every look at training begins with: a recipe, and the images that it splits. */
export interface Training {
  readonly recipe: Recipe
  readonly resolved: ResolvedOptions
  readonly sets: TrainVal
}

/** @throws ERR_DATA_EMPTY, ERR_DATA_CLASSES; `signal.reason` when aborted */
export async function openTraining(data: string, resolved: ResolvedOptions, signal?: AbortSignal): Promise<Training> {
  const recipe = RECIPE_OF[resolved.recipe]
  return { recipe, resolved, sets: await recipe.openTrainVal(data, resolved, signal) }
}

/** What the recipe trains with. */
export function sessionOptionsOf({ recipe, resolved, sets }: Training): SessionOptions {
  return recipe.sessionOptions(resolved, sets.classes.length, countLabels(sets.train), isOnGpu(resolved.device))
}

/** null where training is from scratch. */
export async function openWeights({ weights }: ResolvedOptions): Promise<InitialWeights | null> {
  return weights === null ? null : openInitialWeights(weights)
}

function countLabels({ classes, items }: ImageFolder): number[] {
  const counts = classes.map(() => 0)
  for (const { label } of items) counts[label] = (counts[label] ?? 0) + 1
  return counts
}
