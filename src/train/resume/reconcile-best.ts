import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BEST_FILE, type CheckpointStore, type LastCheckpoint, type Savable, separateState } from '../../runs/checkpoint-store.js'
import { type ModelMetadata, withoutTraining } from '../../runs/model-metadata.js'
import { TorchgraftError } from '../../errors.js'
import { type BestEpoch, type Monitor, monitored } from '../../metrics/metrics.js'

export interface MendedBest {
  /** What a run that goes on has to beat. */
  readonly best: BestEpoch | null
  readonly notes: readonly string[]
}

/**
 * Makes `best` and what `last` says of it agree, when a run goes on. `last` is written first, so after a crash between the
 * two it holds the best model, and `best` is written from it. Where `last` fell back to its predecessor, `best` may be of
 * a later epoch, and stands until that is reached again.
 *
 * @param store writes what the run's does
 */
export async function reconcileBest(folder: CheckpointStore, store: Pick<CheckpointStore, 'save'>, last: LastCheckpoint, monitor: Monitor): Promise<MendedBest> {
  const { best, position } = last.metadata
  const found = await read(folder)
  const epoch = found?.metadata?.metrics?.epoch
  if (best && epoch === best.epoch) return { best, notes: [] }
  if (best && best.epoch === position.epoch && position.step === 0 && (epoch ?? 0) < best.epoch) {
    await store.save('best', stateOf(last), scored(last.metadata, best))
    return { best, notes: [`${found?.damaged === undefined ? '' : `${found.damaged} `}${BEST_FILE} is written again from ${last.file}, which has the best model: that of epoch ${best.epoch}.`] }
  }
  if (found?.metadata) {
    const adopted = adopt(found.metadata, monitor) ?? best
    return { best: adopted, notes: [`${BEST_FILE} is from epoch ${epoch ?? '?'}, but for ${last.file} the best is ${best ? `epoch ${best.epoch}` : 'none yet'}: ${adopted === best ? 'the next best epoch replaces it' : 'it is kept until an epoch is better'}.`] }
  }
  if (!best && !found) return { best: null, notes: [] }
  return { best: null, notes: [`${found?.damaged ?? `${BEST_FILE} is missing.`} The best epoch is the best of those from here on.`] }
}

async function read(folder: CheckpointStore): Promise<{ readonly metadata?: ModelMetadata; readonly damaged?: string } | undefined> {
  if (!existsSync(join(folder.folder, BEST_FILE))) return undefined
  try {
    return { metadata: (await folder.best()).metadata }
  } catch (error) {
    if (error instanceof TorchgraftError) return { damaged: `${error.message}.` }
    throw error
  }
}

/** As the loop writes it, key for key: equal models are equal files. */
function scored(metadata: ModelMetadata, { epoch, metrics: { loss, top1, count } }: BestEpoch): ModelMetadata {
  const entries = Object.entries(withoutTraining(metadata))
  const at = entries.findIndex(([key]) => key === 'std') + 1
  return Object.fromEntries([...entries.slice(0, at), ['metrics', { epoch, loss, top1, count }], ...entries.slice(at)]) as unknown as ModelMetadata
}

function stateOf({ tensors, metadata: { optimizer } }: LastCheckpoint): Savable {
  const { model, training } = separateState(tensors)
  return { stateDict: () => Promise.resolve(model), trainingState: () => Promise.resolve(training), ...(optimizer && { describeOptimizer: () => optimizer }) }
}

/** A model file tells how it was scored, not how it learned. */
function adopt({ metrics }: ModelMetadata, monitor: Monitor): BestEpoch | undefined {
  if (!metrics || monitor.startsWith('train/')) return undefined
  const { epoch, ...val } = metrics
  return { epoch, metrics: val, value: monitored(monitor, { train: val, val }) }
}
