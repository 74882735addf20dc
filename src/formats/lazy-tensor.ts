import type { Tensor } from './tensor.js'

/** A tensor that lies in a file: of known kind and shape, read when it is asked for. */
export interface LazyTensor extends Pick<Tensor, 'dtype' | 'shape'> {
  load(): Promise<Tensor>
}

export type LazyStateDict = ReadonlyMap<string, Tensor | LazyTensor>

export async function loadTensor(tensor: Tensor | LazyTensor): Promise<Tensor> {
  return 'data' in tensor ? tensor : tensor.load()
}

/** All of them, in memory. */
export async function loadAll(tensors: LazyStateDict): Promise<Map<string, Tensor>> {
  const loaded = new Map<string, Tensor>()
  for (const [name, tensor] of tensors) loaded.set(name, await loadTensor(tensor))
  return loaded
}
