import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BEST_FILE } from '../runs/checkpoint-store.js'
import type { RunFolder } from '../runs/run-folder.js'
import type { DataLoader } from '../loader/data-loader.js'
import { TorchgraftError } from '../errors.js'
import type { Session } from '../session/session.js'
import type { Metrics } from '../metrics/metrics.js'
import { evaluate } from './evaluate.js'

export interface VerifiedBest {
  /** As scored in training. `file` is relative to the run folder. */
  readonly best: { readonly epoch: number; readonly metrics: Metrics; readonly file: string }
  /** The same file, loaded anew and scored again. */
  readonly reloaded: Metrics
}

/**
 * Loads the best file and scores it again: the proof that it is the model that was scored in training.
 *
 * @throws ERR_NOT_FINITE where no epoch could be scored, ERR_FILE_CHECKSUM where the scores differ
 */
export async function verifyBest(
  session: Session, folder: RunFolder, val: (size: number) => DataLoader, signal: AbortSignal | undefined,
): Promise<VerifiedBest> {
  const path = join(folder.path, BEST_FILE)
  if (!existsSync(path)) throw new TorchgraftError('ERR_NOT_FINITE', 'The validation loss was not finite (NaN or infinite) in any epoch, so there is no best model. Try a lower learning rate')
  const { tensors, metadata } = await folder.checkpoints.best()
  const { metrics } = metadata
  if (!metrics) throw new TorchgraftError('ERR_FILE_FORMAT', `${path} does not say how it was scored`, { path })
  await session.loadStateDict(tensors)
  const { loss, top1, count } = await evaluate(session, val(metadata.size), { signal })
  const agrees = count === metrics.count && top1 === metrics.top1 && Math.abs(loss - metrics.loss) <= 1e-4 * Math.max(1, metrics.loss)
  if (!agrees) {
    const [now, before] = [`top-1 ${top1} and loss ${loss}`, `${metrics.top1} and ${metrics.loss}`]
    const message = `${path} scores ${now} when it is loaded again, but had ${before} in training: do not trust it`
    throw new TorchgraftError('ERR_FILE_CHECKSUM', message, { path })
  }
  const { epoch, ...scored } = metrics
  return { best: { epoch, metrics: scored, file: BEST_FILE }, reloaded: { loss, top1, count } }
}
