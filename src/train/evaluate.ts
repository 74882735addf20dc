import type { Batch } from '../data/batch.js'
import type { DataLoader } from '../data/data-loader.js'
import { abortSignal, checkFields, type Fields, having } from '../fields.js'
import { AverageMeter } from '../metrics/average-meter.js'
import type { Metrics } from '../metrics/metrics.js'
import type { EvalStepResult } from '../native/session.js'

/** What scoring needs of a session: easy to stand in for. */
export interface Scorer {
  evalStep(batch: Batch): Promise<EvalStepResult>
}

export interface Evaluation extends Metrics {
  readonly correct: number
  /** In the order of the data's classes. */
  readonly classes: readonly { readonly label: string; readonly count: number; readonly correct: number }[]
}

const SESSION = having('a session', 'evalStep')
const LOADER = having('a data loader', 'epoch')
const FIELDS: Fields<{ readonly signal?: AbortSignal }> = { signal: abortSignal }

/**
 * Scores every picture of a loader once: plain cross entropy, without label smoothing or class weights.
 *
 * @throws `signal.reason` when aborted
 */
export async function evaluate(session: Scorer, loader: Pick<DataLoader, 'dataset' | 'epoch'>, options: { readonly signal?: AbortSignal } = {}): Promise<Evaluation> {
  SESSION(session, 'session')
  LOADER(loader, 'loader')
  checkFields<{ readonly signal?: AbortSignal }>(options, FIELDS, 'evaluate')
  const { signal } = options
  const loss = new AverageMeter()
  const counts = loader.dataset.classes.map((label) => ({ label, count: 0, correct: 0 }))
  for await (const batch of loader.epoch(0, signal ? { signal } : {})) {
    const result = await session.evalStep(batch)
    signal?.throwIfAborted()
    loss.update(result.loss / batch.size, batch.size)
    const width = result.logits.length / batch.size
    for (const [i, label] of (batch.labels ?? []).entries()) {
      const tally = counts[label]
      if (!tally) continue
      tally.count++
      if (argmax(result.logits.subarray(i * width, (i + 1) * width)) === label) tally.correct++
    }
  }
  const count = counts.reduce((sum, tally) => sum + tally.count, 0)
  const correct = counts.reduce((sum, tally) => sum + tally.correct, 0)
  return { loss: loss.average, top1: correct / count, count, correct, classes: counts }
}

function argmax(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i
  return best
}
