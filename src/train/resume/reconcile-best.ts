import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { TorchgraftError } from '../../errors.js'
import { type BestEpoch, type Monitor, monitored } from '../../metrics/metrics.js'
import {
  BEST_FILE, type CheckpointStore, type CheckpointWriter, type LastCheckpoint, type Savable, separateState,
} from '../../runs/checkpoint-store.js'
import { type ModelMetadata, withoutTraining } from '../../runs/model-metadata.js'

export interface ReconciledBest {
  /** The best epoch so far: training goes on to look for a better one. */
  readonly best: BestEpoch | null
  readonly notes: readonly string[]
}

/**
 * Makes `best` and what `last` says of it agree, when a run goes on. `last` is written first, so after a crash between the
 * two it holds the best model, and `best` is written from it. Where `last` fell back to its predecessor, `best` may be of
 * a later epoch, and stays until that is reached again.
 *
 * @param writer writes as the run does
 */
export async function reconcileBest(
  store: CheckpointStore, writer: CheckpointWriter, last: LastCheckpoint, monitor: Monitor,
): Promise<ReconciledBest> {
  const { best, position } = last.metadata
  const found = await readBest(store)
  const foundEpoch = found?.metadata?.metrics?.epoch
  if (best && foundEpoch === best.epoch) return { best, notes: [] }
  if (best && best.epoch === position.epoch && position.step === 0 && (foundEpoch ?? 0) < best.epoch) {
    await writer.saveBest(stateOf(last), { ...withoutTraining(last.metadata), metrics: { epoch: best.epoch, ...metricsOf(best) } })
    const damage = found?.damaged === undefined ? '' : `${found.damaged} `
    return { best, notes: [`${damage}${BEST_FILE} is written again from ${last.file}, which has the best model: that of epoch ${best.epoch}.`] }
  }
  if (found?.metadata) {
    const kept = bestEpochOf(found.metadata, monitor) ?? best
    const difference = `${BEST_FILE} is from epoch ${foundEpoch ?? '?'}, but for ${last.file} the best is ${best ? `epoch ${best.epoch}` : 'none yet'}`
    return { best: kept, notes: [`${difference}: ${kept === best ? 'the next best epoch replaces it' : 'it is kept until an epoch is better'}.`] }
  }
  if (!best && !found) return { best: null, notes: [] }
  return { best: null, notes: [`${found?.damaged ?? `${BEST_FILE} is missing.`} The best epoch is the best of those from here on.`] }
}

async function readBest(store: CheckpointStore): Promise<{ readonly metadata?: ModelMetadata; readonly damaged?: string } | undefined> {
  if (!existsSync(join(store.folder, BEST_FILE))) return undefined
  try {
    return { metadata: (await store.best()).metadata }
  } catch (error) {
    if (error instanceof TorchgraftError) return { damaged: `${error.message}.` }
    throw error
  }
}

/** Key for key as the loop writes them. */
function metricsOf({ metrics: { loss, top1, count } }: BestEpoch): BestEpoch['metrics'] {
  return { loss, top1, count }
}

function stateOf({ tensors, metadata: { optimizer } }: LastCheckpoint): Savable {
  const { model, training } = separateState(tensors)
  return {
    stateDict: () => Promise.resolve(model),
    trainingState: () => Promise.resolve(training),
    ...(optimizer && { describeOptimizer: () => optimizer }),
  }
}

/** The epoch of a model file. It holds the metrics of the validation set, not those of training. */
function bestEpochOf({ metrics }: ModelMetadata, monitor: Monitor): BestEpoch | undefined {
  if (!metrics || monitor.startsWith('train/')) return undefined
  const { epoch, ...val } = metrics
  return { epoch, metrics: val, value: monitored(monitor, { train: val, val }) }
}
