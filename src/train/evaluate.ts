import type { Batch } from '../loader/batch.js'
import type { DataLoader } from '../loader/data-loader.js'
import { abortSignal, checkFields, type Fields, withMethods } from '../options/checks.js'
import { AverageMeter } from '../metrics/average-meter.js'
import type { Metrics } from '../metrics/metrics.js'
import type { EvalStepResult } from '../session/session.js'

/** What scoring needs of a session: easy to stand in for. */
export interface Scorer {
  evalStep(batch: Batch): Promise<EvalStepResult>
}

export interface Evaluation extends Metrics {
  readonly correct: number
  /** In the order of the data's classes. */
  readonly classes: readonly { readonly label: string; readonly count: number; readonly correct: number }[]
}

const SESSION = withMethods('a session', 'evalStep')
const LOADER = withMethods('a data loader', 'epoch')
const FIELDS: Fields<EvaluateOptions> = { signal: abortSignal }

export interface EvaluateOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * Scores every image of a loader once: plain cross entropy, without label smoothing or class weights.
 *
 * @throws `signal.reason` when aborted
 */
export async function evaluate(
  session: Scorer, loader: Pick<DataLoader, 'dataset' | 'epoch'>, options: EvaluateOptions = {},
): Promise<Evaluation> {
  SESSION(session, 'session')
  LOADER(loader, 'loader')
  checkFields<EvaluateOptions>(options, FIELDS, 'evaluate')
  return joinParts(loader.dataset.classes, [await scorePart(session, loader, options.signal)])
}

/** What some images of a set scored. */
export interface ScoredPart {
  /** Sum over images. */
  readonly loss: number
  readonly images: number
  /** Images of each label, and those of them that were right. */
  readonly counts: readonly number[]
  readonly correct: readonly number[]
}

/** Scores what a loader gives: all images of a set, or a rank's part of them. @throws `signal.reason` when aborted */
export async function scorePart(
  session: Scorer, loader: Pick<DataLoader, 'dataset' | 'epoch'>, signal: AbortSignal | undefined,
): Promise<ScoredPart> {
  const loss = new AverageMeter()
  const counts = loader.dataset.classes.map(() => 0)
  const correct = [...counts]
  const tally = ({ batch, result: { loss: sum, logits } }: Scored): void => {
    loss.update(sum / batch.size, batch.size)
    const width = logits.length / batch.size
    for (const [i, label] of (batch.labels ?? []).entries()) {
      if (counts[label] === undefined) continue
      counts[label]++
      if (argmax(logits.subarray(i * width, (i + 1) * width)) === label) correct[label]!++
    }
  }
  for await (const scored of scoredAhead(session, loader.epoch(0, { signal }))) {
    signal?.throwIfAborted()
    tally(scored)
  }
  return { loss: loss.sum, images: loss.count, counts, correct }
}

/** What the parts of a set score together. */
export function joinParts(labels: readonly string[], parts: readonly ScoredPart[]): Evaluation {
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
  const classes = labels.map((label, i) => {
    return { label, count: sum(parts.map(({ counts }) => counts[i] ?? 0)), correct: sum(parts.map((part) => part.correct[i] ?? 0)) }
  })
  const [count, correct] = [sum(classes.map((each) => each.count)), sum(classes.map((each) => each.correct))]
  const loss = sum(parts.map((part) => part.loss)) / sum(parts.map(({ images }) => images))
  return { loss, top1: correct / count, count, correct, classes }
}

interface Scored {
  readonly batch: Batch
  readonly result: EvalStepResult
}

/** Each batch with its scores, and the next one asked for meanwhile: a device that waits for nobody is never idle. */
async function* scoredAhead(session: Scorer, batches: AsyncIterable<Batch>): AsyncGenerator<Scored> {
  let before: { readonly batch: Batch; readonly result: Promise<EvalStepResult> } | undefined
  for await (const batch of batches) {
    if (batch.size === 0) continue // a rank's part of a small batch
    const result = session.evalStep(batch)
    result.catch(() => {}) // thrown when its turn comes, or never, where one before it failed
    if (before) yield { batch: before.batch, result: await before.result }
    before = { batch, result }
  }
  if (before) yield { batch: before.batch, result: await before.result }
}

function argmax(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i
  return best
}
