import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BEST_FILE } from '../runs/checkpoint-store.js'
import type { RunFolder } from '../runs/run-folder.js'
import type { DataLoader } from '../loader/data-loader.js'
import { TorchgraftError } from '../errors.js'
import type { Session } from '../session/session.js'
import { evaluate } from './evaluate.js'
import type { TrainResult } from './train.js'

/** The proof that the file is the model that was scored. */
export async function verifyBest(session: Session, folder: RunFolder, val: (size: number) => DataLoader, signal: AbortSignal | undefined): Promise<Pick<TrainResult, 'best' | 'reloaded'>> {
  const path = join(folder.path, BEST_FILE)
  if (!existsSync(path)) throw new TorchgraftError('ERR_NOT_FINITE', 'The validation loss was not finite (NaN or infinite) in any epoch, so there is no best model. Try a lower learning rate')
  const { tensors, metadata } = await folder.checkpoints.best()
  const { metrics } = metadata
  if (!metrics) throw new TorchgraftError('ERR_FILE_FORMAT', `${path} does not say how it was scored`, { path })
  await session.loadStateDict(tensors)
  const { loss, top1, count } = await evaluate(session, val(metadata.size), signal ? { signal } : {})
  const agrees = count === metrics.count && top1 === metrics.top1 && Math.abs(loss - metrics.loss) <= 1e-4 * Math.max(1, metrics.loss)
  if (!agrees) {
    throw new TorchgraftError('ERR_FILE_CHECKSUM', `${path} scores top-1 ${top1} and loss ${loss} when it is loaded again, but had ${metrics.top1} and ${metrics.loss} in training: do not trust it`, { path })
  }
  const { epoch, ...scored } = metrics
  return { best: { epoch, metrics: scored, file: BEST_FILE }, reloaded: { loss, top1, count } }
}
