import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { userCache } from '../../../scripts/common/paths.mjs'
import { packageRoot } from '../../package.js'
import type { ModelName } from '../catalogue.js'

/** Pretrained weights that torchvision offers, from ImageNet-1k. Accuracies are those that torchvision tells. */
export interface CatalogueEntry {
  readonly name: string
  readonly model: ModelName
  readonly url: string
  /** The first digits of the file's SHA-256, in hex: all that PyTorch publishes, in the file's name. */
  readonly sha256Prefix: string
  /** All of it, where it is known. */
  readonly sha256?: string
  readonly megabytes: number
  readonly top1: number
  readonly top5: number
  /** Shorter side and centre crop that the accuracy was measured with. */
  readonly resize: number
  readonly crop: number
  readonly interpolation: 'bilinear' | 'bicubic'
  readonly licence: string
}

let read: readonly CatalogueEntry[] | undefined

/** Read at its first use. */
export function catalogue(): readonly CatalogueEntry[] {
  return (read ??= JSON.parse(readFileSync(join(packageRoot(), 'weights', 'catalogue.json'), 'utf8')) as readonly CatalogueEntry[])
}

export function findInCatalogue(name: string): CatalogueEntry | undefined {
  return catalogue().find((entry) => entry.name === name)
}

/**
 * Where PyTorch keeps what it fetches, so that neither fetches it twice: `TORCH_HOME`, else `XDG_CACHE_HOME/torch`, else
 * `~/.cache/torch`.
 */
export function hubFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['TORCH_HOME'] || join(userCache(env), 'torch'), 'hub', 'checkpoints')
}

/** The file of an entry, whether it is there or not. */
export function fileOf({ url }: CatalogueEntry, env: NodeJS.ProcessEnv = process.env): string {
  return join(hubFolder(env), url.slice(url.lastIndexOf('/') + 1))
}

/** Weights of a model that lie on this disk, the newer first; none whose licence asks for a choice. */
export function onDisk(model: ModelName, env: NodeJS.ProcessEnv = process.env): CatalogueEntry | undefined {
  const free = catalogue().filter((entry) => entry.model === model && !entry.name.includes('swag'))
  return free.reverse().find((entry) => existsSync(fileOf(entry, env)))
}
