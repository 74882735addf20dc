import { loadAddon } from '../addon/load.js'
import { processorName } from '../addon/processor.js'
import type { Contradiction } from '../datasets/contradictions.js'
import type { PassedOver } from '../datasets/passed-over.js'
import type { SkippedFile } from '../datasets/skipped-file.js'
import type { Ranks } from '../distributed/ranks.js'
import type { SkippedImage } from '../loader/data-loader.js'
import { monitorMode } from '../metrics/metrics.js'
import type { Local } from '../options/local-path.js'
import { packageVersion } from '../package.js'
import type { MeanStd, ResolvedOptions, TrainOptions } from '../recipes/options.js'
import type { Loaders } from '../recipes/recipe.js'
import type { StartEvent, StopEvent, StopReason, TrainingEvent } from '../runs/events.js'
import type { RunConfig } from '../runs/run-folder.js'
import { isOnGpu } from '../session/resolve-options.js'
import { Session } from '../session/session.js'
import { EarlyStopping } from './early-stopping.js'
import { fitAmong } from './fit.js'
import { withLateNotes } from './late-notes.js'
import { dataNotes, gpuNotes, leftOut, lockNotes, sizeNotes } from './notes.js'
import { checkTrainOptions } from './options/checks.js'
import { decideComputing } from './ranks/computing.js'
import { openRun } from './ranks/open-run.js'
import { inPlace, type Place } from './ranks/place.js'
import { launchOf } from './ranks/restart.js'
import { settingsOf } from './resume/check-same.js'
import type { Run } from './run.js'
import { RunRecord } from './run-record.js'
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
 * Where the environment says that this process is one of several, as `torchrun` has it, all of them train together: rank 0 writes the
 * run folder, and all return the same.
 *
 * @throws `signal.reason` when aborted, with the position saved; ERR_DISTRIBUTED where another rank does not come, or fails
 */
export async function train(given: TrainOptions): Promise<TrainResult> {
  const began = performance.now()
  const options = checkTrainOptions(given)
  const trained = await inPlace(options.device ?? 'auto', (place) => trainIn(place, options))
  return { ...trained, seconds: (performance.now() - began) / 1000 }
}

/** Trains as one of the ranks that there are, or as the only one. */
async function trainIn(place: Place, options: Local<TrainOptions>): Promise<Omit<TrainResult, 'seconds'>> {
  const { ranks, sharing } = place
  const { signal, onEvent, onProgress } = options
  await using run = await openRun(place, options)
  const { recipe, resolved, sets, state } = run

  const computing = await decideComputing(place, run)
  const meanStd = await ranks.fromFirst('what pixels are normalized with', async () => {
    return run.meanStd ?? recipe.meanStd(sets.train, resolved, { signal, onProgress })
  })
  await using loaders = recipe.loaders(resolved, sets, meanStd, sharing)
  await state.prepare({ options: resolved, session: computing.session, train: sets.train, meanStd, signal, onProgress })
  const loads = await ranks.fromFirst('what is loaded', () => state.loads)
  await using session = await Session.create({ ...computing.session, cacheBytes: 'auto' }, computing.processes)
  const deviceNotes = await session.deviceNotes()
  const stateNotes = await state.load(session, loads)
  await using record = await RunRecord.begin(run, configOf(run, session, meanStd, ranks))

  const { point, notes: resumeNotes } = await ranks.fromFirst('where training goes on', () => state.resumePoint(record!.checkpoints))
  const events = fitAmong(ranks, session, {
    train: loaders.train,
    val: (epoch) => loaders.val.at(epoch),
    epochs: resolved.epochs,
    schedule: recipe.schedule(resolved, loaders.train.length),
    monitor: resolved.monitor,
    earlyStopping: earlyStoppingOf(resolved),
    ...(record && { checkpoints: record.checkpoints }),
    saveEveryMinutes: resolved.saveEveryMinutes,
    origin: { data: run.images, weights: state.weights },
    settings: settingsOf(resolved),
    notes: [
      ...lockNotes(run.folder), ...stateNotes, ...resumeNotes, ...computing.notes,
      ...deviceNotes.filter((note) => !computing.notes.includes(note)), // trying formats gave the same ones
      ...sizeNotes(recipe.sizes?.(resolved)), ...dataNotes(sets), ...gpuNotes(resolved, ranks.worldSize),
    ],
    resume: point,
    signal,
  })
  let stop: StopEvent | undefined
  for await (const event of withLateNotes(complete(events, run), session, [...computing.notes, ...deviceNotes])) {
    await record?.write(event)
    onEvent?.(event)
    if (event.type === 'stop') stop = event
  }
  const verified = await verifyBest({ ranks, session, folder: run.folder, val: (size) => loaders.val.ofSize(size), signal })
  return resultOf(run, { session, broken: await brokenImages(ranks, loaders), stop, verified })
}

/** With what `auto` became, for a resumed run to go on with. */
function configOf(run: Run, session: Session, { mean, std }: MeanStd, ranks: Ranks): RunConfig<ResolvedOptions> {
  const { device, precision, memoryFormat, threads } = session
  return {
    formatVersion: 1, torchgraft: packageVersion(), libtorch: loadAddon().libtorchVersion, data: run.data, options: run.resolved, mean, std,
    device, precision, memoryFormat, threads, processor: processorName(), ...launchOf(ranks),
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
  return { output: run.output, ...(precisionReason !== undefined && { precisionReason }), ...(sizes.length > 0 && { sizes }) }
}

/** Why the precision, where it is neither asked for nor the session's choice. */
function precisionReasonOf({ computing, recipe, resolved: { precision, device } }: Run): string | undefined {
  if (computing.precision !== undefined) return 'as in the run\'s config.json'
  return precision === 'auto' ? recipe.precisionReason?.(isOnGpu(device)) : undefined
}

/** Images that cannot be read, each once, whichever rank has tried. */
async function brokenImages(ranks: Ranks, { train, val }: Loaders): Promise<readonly SkippedImage[]> {
  const found = await ranks.gather('what was left out', { train: train.skipped, val: val.skipped })
  const once = (images: readonly SkippedImage[]): SkippedImage[] => [...new Map(images.map((image) => [image.index, image])).values()]
  return [...once(found.flatMap((each) => each.train)), ...once(found.flatMap((each) => each.val))]
}

interface Trained {
  readonly session: Session
  readonly broken: readonly SkippedImage[]
  readonly stop: StopEvent | undefined
  readonly verified: VerifiedBest
}

function resultOf({ output, sets }: Run, { session, broken, stop, verified }: Trained): Omit<TrainResult, 'seconds'> {
  const { device, precision } = session
  const { passedOver, contradictions } = sets
  const skipped = [...leftOut(sets), ...broken].map(({ path, code, message }) => ({ path, code, message }))
  return {
    output, stop: stop?.reason ?? 'completed', epochs: stop?.epochs ?? 0, ...verified, device, precision,
    skippedImages: skipped.length, skipped, passedOver, contradictions,
  }
}
