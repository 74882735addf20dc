import { ALONE, type Ranks } from '../distributed/ranks.js'
import type { DataLoader } from '../loader/data-loader.js'
import { monitored } from '../metrics/metrics.js'
import type { StartEvent, StopReason, TrainingEvent } from '../runs/events.js'
import { BestEpochTracker } from './best-epoch.js'
import { type FitOptions, type LoopOptions, resolveFitOptions, type Trainable } from './fit-options.js'
import { NotFiniteLosses } from './not-finite.js'
import { withMemoryAdvice } from './out-of-memory.js'
import { Agreement } from './ranks/agreement.js'
import { Saver } from './saver.js'
import { skippedEvents, TrainingProgress } from './training-progress.js'

/**
 * The training loop. It trains as it is iterated: stop iterating and it stops training.
 *
 * @example
 * await using session = await Session.create({ model: 'regnet_y_400mf', classes: folder.classes.length })
 * const train = new DataLoader(folder, { batchSize: 32, size: 224, transform: trainTransform(), shuffle: true })
 * const val = new DataLoader(scored, { batchSize: 32, size: 224, transform: evalTransform() })
 * for await (const event of fit(session, { train, val, epochs: 5, checkpoints: await CheckpointStore.open('run') })) {
 *   if (event.type === 'epoch') console.log(event.epoch, event.val.top1)
 * }
 * @throws ERR_NOT_FINITE when three losses in a row, or the weights, are not finite; ERR_OUT_OF_MEMORY; ERR_WRITE;
 * `signal.reason` when aborted
 */
export function fit(session: Trainable, options: FitOptions): AsyncGenerator<TrainingEvent, void, undefined> {
  return fitAmong(ALONE, session, options)
}

/** The loop as one of several ranks, all of which take the same steps and decisions. `signal` of any of them stops all. */
export async function* fitAmong(ranks: Ranks, session: Trainable, options: FitOptions): AsyncGenerator<TrainingEvent, void, undefined> {
  const resolved = resolveFitOptions(session, options)
  const { train, valAt, epochs, schedule, monitor, earlyStopping, resume, signal } = resolved
  const agreement = new Agreement(ranks, signal)
  const saved = resume?.metadata
  const progress = new TrainingProgress(train, schedule, saved)
  const best = new BestEpochTracker(monitor, saved?.best ?? undefined)
  if (saved?.patience) earlyStopping?.restore(saved.patience)
  const losses = new NotFiniteLosses(train, session.precision)
  const saver = new Saver(session, resolved, { progress, best, losses })
  const { trainStep, evalStep } = withMemoryAdvice(session, () => saver.lastGood)
  const isFinished = (): boolean => progress.epoch >= epochs || earlyStopping?.shouldStop === true

  yield startEvent(session, resolved, valAt(progress.epochOfState))
  if (resume) yield { type: 'resume', epoch: progress.epoch + 1, step: progress.step, from: resume.from, finished: isFinished() }

  try {
    while (!isFinished() && !agreement.stopped) {
      progress.beginEpoch()
      for await (const { batch, skipped } of agreement.batches(train, progress.epoch, progress.step)) {
        const result = await trainStep(batch, { lr: progress.nextLr() })
        yield* progress.afterStep(batch, result, skipped) // step-skipped, image-skipped, step
        yield* losses.check(batch, result, progress.position) // not-finite
        if (losses.tooMany) yield* fail(losses, saver)
        yield* saver.written() // checkpoint
        if (agreement.stopped) break
        await saver.saveIfDue()
        progress.beginStep()
      }
      if (agreement.stopped) break

      const { score, skipped } = await agreement.score({ evalStep }, valAt(progress.epoch))
      yield* skippedEvents(skipped)
      if (!score) break
      const metrics = progress.metrics(score)
      const improved = best.update(progress.epoch + 1, metrics)
      earlyStopping?.update(monitored(monitor, metrics))
      yield progress.endEpoch(metrics, improved)
      await saver.save(improved ? best.best : undefined)
    }

    const reason = agreement.stopped ? 'aborted' : progress.epoch < epochs ? 'early-stopping' : 'completed'
    if (reason === 'aborted') await saver.save()
    if (losses.first && reason === 'completed') yield* fail(losses, saver)
    yield* saver.finish()
    yield stopEvent(reason, progress, best)
  } finally {
    await saver.close() // whatever ends the loop, each snapshot is written
  }
  agreement.throwIfStopped()
}

function startEvent(session: Trainable, { train, epochs, origin, notes }: LoopOptions, val: DataLoader): StartEvent {
  const { device, precision, precisionReason, model } = session
  return {
    type: 'start', device, precision, precisionReason, model, weights: origin.weights?.name ?? null,
    train: train.dataset.length, val: val.dataset.length, epochs, steps: train.length, notes,
  }
}

/** Ends training, once all is written that the error may name. */
async function* fail(losses: NotFiniteLosses, saver: Saver): AsyncGenerator<TrainingEvent, never, undefined> {
  yield* saver.finish()
  throw losses.error(saver.lastGood)
}

function stopEvent(reason: StopReason, { epoch }: TrainingProgress, { best }: BestEpochTracker): TrainingEvent {
  return { type: 'stop', reason, epochs: epoch, ...(best && { best: { epoch: best.epoch, metrics: best.metrics } }) }
}
