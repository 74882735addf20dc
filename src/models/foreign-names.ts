import { FAMILIES } from './catalogue.js'
import type { NamingScheme } from './model-family.js'

/** What a model's first weight is called, by torchvision and by others. */
export const ANCHORS: readonly string[] = FAMILIES.flatMap(({ firstWeights }) => firstWeights)
const SCHEMES: readonly NamingScheme[] = FAMILIES.flatMap(({ schemes }) => schemes)

/** Whether a model here has such tensors, by torchvision's names. */
export function hasOwnAnchor(tensors: ReadonlyMap<string, unknown>): boolean {
  return FAMILIES.some(({ firstWeights: [first] }) => tensors.has(first))
}

/** Tensors by torchvision's names, where theirs are known, and whose they were. */
export function toTorchvision<T>(tensors: ReadonlyMap<string, T>): { readonly tensors: ReadonlyMap<string, T>; readonly from?: string } {
  const names = [...tensors.keys()]
  const scheme = SCHEMES.find(({ own }) => names.some((name) => own.test(name)))
  if (!scheme) return { tensors }
  const renamed = new Map([...tensors].map(([name, tensor]) => [scheme.toTorchvision(name), tensor]))
  return renamed.size === tensors.size ? { tensors: renamed, from: scheme.whose } : { tensors }
}
