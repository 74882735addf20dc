import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Ranks } from '../distributed/ranks.js'
import { BEST_FILE } from '../runs/checkpoint-store.js'
import type { ModelFile } from '../runs/model-file.js'
import type { RunFolder } from '../runs/run-folder.js'
import type { DataLoader } from '../loader/data-loader.js'
import { TorchgraftError } from '../errors.js'
import type { Session } from '../session/session.js'
import type { Metrics } from '../metrics/metrics.js'
import { Agreement } from './ranks/agreement.js'

export interface VerifiedBest {
  /** As scored in training. `file` is relative to the run folder. */
  readonly best: { readonly epoch: number; readonly metrics: Metrics; readonly file: string }
  /** The same file, loaded anew and scored again. */
  readonly reloaded: Metrics
}

export interface VerifyOptions {
  readonly ranks: Ranks
  readonly session: Session
  /** Rank 0's: its file comes to the others. */
  readonly folder: RunFolder | undefined
  readonly val: (size: number) => DataLoader
  readonly signal: AbortSignal | undefined
}

/**
 * Loads the best file and scores it again: the proof that it is the model that was scored in training.
 *
 * @throws ERR_NOT_FINITE where no epoch could be scored, ERR_FILE_CHECKSUM where the scores differ
 */
export async function verifyBest({ ranks, session, folder, val, signal }: VerifyOptions): Promise<VerifiedBest> {
  const file = folder && (await readBest(folder))
  const path = folder ? join(folder.path, BEST_FILE) : BEST_FILE
  const { size, metrics } = await ranks.fromFirst('the best model', () => scoredAs(file?.metadata, path))
  await session.loadStateDict(file?.tensors ?? new Map(), { strict: file !== undefined })
  const agreement = new Agreement(ranks, signal)
  const { score } = await agreement.score(session, val(size))
  agreement.throwIfStopped()
  const { loss, top1, count } = score!
  const agrees = count === metrics.count && top1 === metrics.top1 && Math.abs(loss - metrics.loss) <= 1e-4 * Math.max(1, metrics.loss)
  if (!agrees) {
    const [now, before] = [`top-1 ${top1} and loss ${loss}`, `${metrics.top1} and ${metrics.loss}`]
    const message = `${path} scores ${now} when it is loaded again, but had ${before} in training: do not trust it`
    throw new TorchgraftError('ERR_FILE_CHECKSUM', message, { path })
  }
  const { epoch, ...scored } = metrics
  return { best: { epoch, metrics: scored, file: BEST_FILE }, reloaded: { loss, top1, count } }
}

async function readBest(folder: RunFolder): Promise<ModelFile> {
  if (existsSync(join(folder.path, BEST_FILE))) return folder.checkpoints.best()
  throw new TorchgraftError('ERR_NOT_FINITE', 'The validation loss was not finite (NaN or infinite) in any epoch, so there is no best model. Try a lower learning rate')
}

type Scored = Pick<ModelFile['metadata'], 'size'> & { readonly metrics: NonNullable<ModelFile['metadata']['metrics']> }

function scoredAs(metadata: ModelFile['metadata'] | undefined, path: string): Scored {
  if (metadata?.metrics) return { size: metadata.size, metrics: metadata.metrics }
  throw new TorchgraftError('ERR_FILE_FORMAT', `${path} does not say how it was scored`, { path })
}
