import { argumentError, TorchgraftError } from '../../errors.js'
import type { Local } from '../../options/local-path.js'
import type { ResolvedOptions, TrainOptions } from '../../recipes/options.js'
import { checkTrainOptions } from '../options/checks.js'
import { resolveOptions, withAbsolutePaths } from '../options/resolve.js'

const OPTION_NAMES: ReadonlySet<string> = new Set(Object.keys({
  recipe: 1, model: 1, weights: 1, epochs: 1, batchSize: 1, size: 1, progressiveResizing: 1, lr: 1, val: 1, seed: 1, monitor: 1,
  patience: 1, freeze: 1, classWeights: 1, meanStd: 1, sanitySteps: 1, device: 1, precision: 1, memoryFormat: 1, kernels: 1,
  cudnnBenchmark: 1, threads: 1, syncBatchNorm: 1, strictImages: 1, followLinks: 1, saveEveryMinutes: 1,
} satisfies Record<keyof ResolvedOptions, 1>))

/** What runs did before there was an option. */
export const BEFORE: Partial<ResolvedOptions> = { progressiveResizing: false, cudnnBenchmark: false, syncBatchNorm: false }

/** The options in a `config.json`, which may have been edited by hand. @throws ERR_ARGUMENT, naming the option */
export function savedOptions(kept: unknown): ResolvedOptions {
  const unknown = Object.keys(kept as object).find((name) => !OPTION_NAMES.has(name))
  if (unknown !== undefined) throw argumentError(`one of ${[...OPTION_NAMES].join(', ')}`, 'an option', unknown)
  const { threads, memoryFormat, ...rest } = { ...BEFORE, ...(kept as ResolvedOptions) }
  return resolveOptions(checkTrainOptions({ ...rest, memoryFormat: memoryFormat ?? undefined, threads: threads ?? undefined }))
}

/**
 * The options of a resumed run: those it began with. What is given besides must agree, but for `epochs`, which may grow.
 *
 * @throws ERR_RESUME_MISMATCH, naming the option
 */
export function resumeOptions(saved: ResolvedOptions, given: Local<TrainOptions>): ResolvedOptions {
  const { weights = null } = given // the weights that a run began from need not be on this disk any more
  const asked = withAbsolutePaths(resolveOptions({ recipe: saved.recipe, ...given, weights }))
  for (const name of Object.keys(saved) as (keyof ResolvedOptions)[]) {
    if (given[name] === undefined || JSON.stringify(asked[name]) === JSON.stringify(saved[name])) continue
    if (name === 'epochs' && asked.epochs > saved.epochs) continue
    const rule = name === 'epochs' ? 'the number of epochs may only grow' : 'leave it out, or start a new run'
    const [before, now] = [JSON.stringify(saved[name]), JSON.stringify(asked[name])]
    throw new TorchgraftError('ERR_RESUME_MISMATCH', (option) => `This run began with ${option(name)} ${before}, not ${now}: ${rule}`)
  }
  return { ...saved, epochs: given.epochs === undefined ? saved.epochs : asked.epochs }
}
