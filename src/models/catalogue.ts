import type { ModelFamily } from './model-family.js'
import { REGNET } from './regnet.js'

/** One row a family. */
export const FAMILIES = [REGNET] as const satisfies readonly ModelFamily[]

/** "RegNet": for messages. */
export const FAMILY_NAMES = FAMILIES.map(({ name }) => name).join(' or ')

export type ModelName = (typeof FAMILIES)[number]['names'][number]

export const MODEL_NAMES: readonly ModelName[] = FAMILIES.flatMap(({ names }) => names)

/** Weights that ship, by the model that begins from them where none are named. */
export const SHIPPED_WEIGHTS: Readonly<Partial<Record<ModelName, string>>> = Object.fromEntries(
  FAMILIES.flatMap(({ shippedWeights }) => Object.entries(shippedWeights)),
)
