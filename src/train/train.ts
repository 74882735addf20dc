import { loadAddon } from '../addon/load.js'
import { processorName } from '../addon/processor.js'
import type { Contradiction } from '../datasets/contradictions.js'
import type { PassedOver } from '../datasets/passed-over.js'
import type { SkippedFile } from '../datasets/skipped-file.js'
import { monitorMode } from '../metrics/metrics.js'
import { packageVersion } from '../package.js'
import type { MeanStd, ResolvedOptions, TrainOptions } from '../recipes/options.js'
import type { Loaders } from '../recipes/recipe.js'
import type { CheckpointWriter } from '../runs/checkpoint-store.js'
import { EventLog } from '../runs/event-log.js'
import type { StartEvent, StopEvent, StopReason, TrainingEvent } from '../runs/events.js'
import type { RunConfig } from '../runs/run-folder.js'
import { isOnGpu } from '../session/resolve-options.js'
import { Session } from '../session/session.js'
import { EarlyStopping } from './early-stopping.js'
import { fit } from './fit.js'
import { withLateNotes } from './late-notes.js'
import { chooseMemoryFormat } from './memory-format.js'
import { dataNotes, gpuNotes, leftOut, lockNotes, sizeNotes } from './notes.js'
import { sessionOptionsOf } from './open-training.js'
import { checkTrainOptions } from './options/checks.js'
import { settingsOf } from './resume/check-same.js'
import { resumeRun } from './resume/resume-run.js'
import { type Run, startRun } from './run.js'
import { type VerifiedBest, verifyBest } from './verify-best.js'

export interface TrainResult extends VerifiedBest {
  /** The run folder. */
  readonly output: string
  readonly stop: StopReason
  readonly epochs: number
  readonly seconds: number
  readonly device: string
  readonly precision: string
  /** How many files and broken images were left out. */
  readonly skippedImages: number
  /** Each of them, and why. */
  readonly skipped: readonly SkippedFile[]
  /** Files and folders that are no images by their names, counted. */
  readonly passedOver: PassedOver
  /** Images that lie under several labels. */
  readonly contradictions: readonly Contradiction[]
}

/**
 * A folder of images in, a run folder with a model file out: a recipe, from split to the reloaded best file.
 *
 * @throws `signal.reason` when aborted, with the position saved
 */
export async function train(given: TrainOptions): Promise<TrainResult> {
  const began = performance.now()
  const options = checkTrainOptions(given)
  const { signal, onEvent, onProgress } = options
  await using run = options.resume === true ? await resumeRun(options) : await startRun(options)
  const { folder, recipe, resolved, sets, state } = run

  const wanted = { ...sessionOptionsOf(run), ...run.computing }
  const { memoryFormat, notes: formatNotes } = await chooseMemoryFormat(wanted, resolved)
  const sessionOptions = { ...wanted, memoryFormat }
  const meanStd = run.meanStd ?? (await recipe.meanStd(sets.train, resolved, { signal, onProgress }))
  await using loaders = recipe.loaders(resolved, sets, meanStd)
  await state.prepare({ options: resolved, session: sessionOptions, train: sets.train, meanStd, signal, onProgress })
  await using session = await Session.create({ ...sessionOptions, cacheBytes: 'auto' })
  const deviceNotes = (await session.deviceNotes()).filter((note) => !formatNotes.includes(note)) // trying formats gave the same ones
  const stateNotes = await state.load(session)
  await folder.writeConfig(configOf(run, session, meanStd))
  await folder.writeSplit(run.split)

  await using log = await EventLog.open(folder.eventsFile)
  const checkpoints = afterLog(log, recipe.wrapStore?.(folder.checkpoints) ?? folder.checkpoints)
  const { point, notes: resumeNotes } = await state.resumePoint(checkpoints)
  const events = fit(session, {
    train: loaders.train,
    val: (epoch) => loaders.val.at(epoch),
    epochs: resolved.epochs,
    schedule: recipe.schedule(resolved, loaders.train.length),
    monitor: resolved.monitor,
    earlyStopping: earlyStoppingOf(resolved),
    checkpoints,
    saveEveryMinutes: resolved.saveEveryMinutes,
    origin: { data: run.images, weights: state.weights },
    settings: settingsOf(resolved),
    notes: [
      ...lockNotes(folder), ...stateNotes, ...resumeNotes, ...formatNotes, ...deviceNotes,
      ...sizeNotes(recipe.sizes?.(resolved)), ...dataNotes(sets), ...gpuNotes(resolved),
    ],
    resume: point,
    signal,
  })
  let stop: StopEvent | undefined
  for await (const event of withLateNotes(complete(events, run), session, [...formatNotes, ...deviceNotes])) {
    await log.write(event)
    onEvent?.(event)
    if (event.type === 'stop') stop = event
  }
  const verified = await verifyBest(session, folder, (size) => loaders.val.ofSize(size), signal)
  return resultOf(run, { session, loaders, stop, verified, seconds: (performance.now() - began) / 1000 })
}

/** With what `auto` became, for a resumed run to go on with. */
function configOf(run: Run, session: Session, { mean, std }: MeanStd): RunConfig<ResolvedOptions> {
  const { device, precision, memoryFormat, threads } = session
  return {
    formatVersion: 1, torchgraft: packageVersion(), libtorch: loadAddon().libtorchVersion, data: run.data, options: run.resolved, mean, std,
    device, precision, memoryFormat, threads, processor: processorName(),
  }
}

/** A store that brings events to disk before a file that they must not fall behind. */
function afterLog(log: EventLog, store: CheckpointWriter): CheckpointWriter {
  return {
    saveLast: async (state, metadata) => {
      await log.sync()
      return store.saveLast(state, metadata)
    },
    saveBest: async (state, metadata) => {
      await log.sync()
      return store.saveBest(state, metadata)
    },
  }
}

function earlyStoppingOf({ patience, monitor }: ResolvedOptions): EarlyStopping | undefined {
  return patience === null ? undefined : new EarlyStopping({ patience, mode: monitorMode(monitor) })
}

/** Adds what the loop cannot know: the run's part of the `start` event, and the files that were no images from the beginning. */
async function* complete(events: AsyncIterable<TrainingEvent>, run: Run): AsyncGenerator<TrainingEvent> {
  for await (const event of events) {
    if (event.type !== 'start') {
      yield event
      continue
    }
    yield { ...event, ...startOf(run) }
    for (const { path, code, message } of leftOut(run.sets)) yield { type: 'image-skipped', path, code, message }
  }
}

function startOf(run: Run): Pick<StartEvent, 'output' | 'sizes'> & Partial<StartEvent> {
  const precisionReason = precisionReasonOf(run)
  const sizes = run.recipe.sizes?.(run.resolved) ?? []
  return { output: run.folder.path, ...(precisionReason !== undefined && { precisionReason }), ...(sizes.length > 0 && { sizes }) }
}

/** Why the precision, where it is neither asked for nor the session's choice. */
function precisionReasonOf({ computing, recipe, resolved: { precision, device } }: Run): string | undefined {
  if (computing.precision !== undefined) return 'as in the run\'s config.json'
  return precision === 'auto' ? recipe.precisionReason?.(isOnGpu(device)) : undefined
}

interface Trained {
  readonly session: Session
  readonly loaders: Loaders
  readonly stop: StopEvent | undefined
  readonly verified: VerifiedBest
  readonly seconds: number
}

function resultOf({ folder, sets }: Run, { session, loaders, stop, verified, seconds }: Trained): TrainResult {
  const { device, precision } = session
  const { passedOver, contradictions } = sets
  const files = [...leftOut(sets), ...loaders.train.skipped, ...loaders.val.skipped]
  const skipped = files.map(({ path, code, message }) => ({ path, code, message }))
  return {
    output: folder.path, stop: stop?.reason ?? 'completed', epochs: stop?.epochs ?? 0, ...verified, seconds, device, precision,
    skippedImages: skipped.length, skipped, passedOver, contradictions,
  }
}
