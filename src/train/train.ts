import { resolve } from 'node:path'
import { withBestModelPth } from '../recipes/notebook/best-model-pth.js'
import { type CheckpointStore, type LastCheckpoint, type Savable, type SavedFile, separateState } from '../runs/checkpoint-store.js'
import { type RunConfig, RunFolder } from '../runs/run-folder.js'
import type { ImageFolder } from '../datasets/image-folder.js'
import type { SkippedFile } from '../datasets/skipped-file.js'
import { NOTEBOOK_SPLIT_SEED } from '../recipes/notebook/split.js'
import type { Contradiction } from '../datasets/contradictions.js'
import type { TrainVal } from '../datasets/describe-splits.js'
import { fingerprint } from '../datasets/train-val.js'
import type { PassedOver } from '../datasets/passed-over.js'
import { argumentError } from '../errors.js'
import { checkFields } from '../options/checks.js'
import { type Local, local } from '../options/local-path.js'
import type { Metrics } from '../metrics/metrics.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { loadAddon } from '../addon/load.js'
import { isOnGpu } from '../session/resolve-options.js'
import { Session } from '../session/session.js'
import { EventLog } from '../runs/event-log.js'
import { packageVersion } from '../package.js'
import type { StartEvent, StopEvent, StopReason, TrainingEvent } from '../runs/events.js'
import { fit } from './fit.js'
import { chooseMemoryFormat } from './memory-format.js'
import { decideMeanStd } from '../recipes/notebook/mean-std.js'
import { reconcileBest } from './resume/reconcile-best.js'
import { notebookHead } from '../recipes/notebook/head.js'
import { leftOut, processorName, dataNotes, fallbackNotes, lockNotes, gpuNotes, logNotes, machineNotes, sizeNotes } from './notes.js'
import { TRAIN_FIELDS } from './options/checks.js'
import type { TrainOptions } from '../recipes/options.js'
import { sizeSteps } from '../recipes/default/progressive-sizes.js'
import { resolveOptions } from './options/resolve.js'
import { makeEarlyStopping } from '../recipes/recipe.js'
import { RECIPE_OF } from '../recipes/by-name.js'
import { refuseLeftOut } from './refuse-left-out.js'
import { checkSame, dataOf, decide, settingsOf } from './resume/resume.js'
import { trainValOfRun, splitOf } from './resume/splits.js'
import { type SanityCheck, sanityCheck } from '../recipes/notebook/sanity-check.js'
import { verifyBest } from './verify-best.js'
import { beginModel, openInitialWeights } from '../models/weights/initial-weights.js'

export interface TrainResult {
  /** The run folder. */
  readonly output: string
  readonly stop: StopReason
  readonly epochs: number
  /** `file` is relative to the run folder. */
  readonly best: { readonly epoch: number; readonly metrics: Metrics; readonly file: string }
  /** The best file, loaded anew and scored again. */
  readonly reloaded: Metrics
  readonly seconds: number
  readonly device: string
  readonly precision: string
  /** Files and broken images that were left out. */
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
export async function train(asked: TrainOptions): Promise<TrainResult> {
  const began = performance.now()
  checkFields<TrainOptions>(asked, TRAIN_FIELDS, 'train')
  const options = local(asked)
  const { signal, onEvent, onProgress } = options
  if (options.resume !== true) resolveOptions(options) // complains before anything is fetched or made
  await setUpAtFirstUse()
  await using folder = await openFolder(options)
  const { resolved, data, computing, meanStd: saved } = await decide(folder, options)
  const before: RunConfig<unknown> = options.resume === true ? await folder.readConfig() : { formatVersion: 1, torchgraft: packageVersion(), data: resolve(data), options: resolved, processor: processorName() }
  if (options.resume !== true) await folder.prepare(before)
  const recipe = RECIPE_OF[resolved.recipe]
  const openTrainVal = (): Promise<TrainVal> => recipe.openTrainVal(data, resolved, signal)
  const sets = options.resume === true ? await trainValOfRun(folder.path, data, openTrainVal, signal) : await openTrainVal()
  recipe.checkTrainVal?.(resolved, sets)
  if (resolved.strictImages) refuseLeftOut(data, leftOut(sets))
  const split = splitOf(resolved.recipe === 'notebook' ? NOTEBOOK_SPLIT_SEED : resolved.seed, sets)
  const origin = { data: { fingerprint: fingerprint(sets.classes, [...sets.train.items, ...sets.val.items]), train: sets.train.length, val: sets.val.length } }
  const last = await folder.checkpoints.last()
  const same = last ? await checkSame(folder, last, { fingerprint: origin.data.fingerprint, split, resolved }) : []
  await using weights = resolved.weights === null || last ? null : await openInitialWeights(resolved.weights)

  const gpu = isOnGpu(resolved.device)
  const wanted = { ...recipe.sessionOptions(resolved, sets.classes.length, countLabels(sets.train), gpu), ...computing }
  const { memoryFormat, told } = await chooseMemoryFormat(wanted, resolved)
  const meanStd = last?.metadata ?? saved ?? (await decideMeanStd(sets.train, { ...resolved, signal, onProgress }))
  await using loaders = recipe.loaders(resolved, sets, meanStd)
  const head = resolved.recipe === 'notebook' && !last ? notebookHead(resolved.model, sets.classes.length, resolved.seed) : undefined
  const begin = (session: Session): Promise<string[]> => beginModel(session, weights, sets.classes, head?.tensors)
  const checked = head && resolved.sanitySteps > 0
    ? await sanityCheck({ resolved, session: { ...wanted, memoryFormat }, train: sets.train, meanStd, bits: head.bits, begin, signal, onProgress })
    : undefined
  await using session = await Session.create({ ...wanted, memoryFormat })
  const slower = (await session.deviceNotes()).filter((note) => !told.includes(note)) // a format that is named was not tried
  const notes = last ? await restore(session, last) : checked ? await goOnFrom(session, checked) : await begin(session)
  await folder.writeConfig({
    formatVersion: 1, torchgraft: packageVersion(), libtorch: loadAddon().libtorchVersion, data: resolve(data), options: resolved, mean: meanStd.mean, std: meanStd.std,
    device: session.device, precision: session.precision, memoryFormat: session.memoryFormat, threads: session.threads, processor: processorName(),
  })
  await folder.writeSplit(split)

  const wentOn = last ? [...(await logNotes(folder, last)), ...machineNotes(before, session.threads)] : []
  await using log = await EventLog.open(folder.eventsFile)
  const checkpoints = afterLog(log, resolved.recipe === 'notebook' ? withBestModelPth(folder.checkpoints) : folder.checkpoints)
  const mended = last && (await reconcileBest(folder.checkpoints, checkpoints, last, resolved.monitor))
  const earlyStopping = makeEarlyStopping(resolved)
  const events = fit(session, {
    train: loaders.train,
    val: (epoch) => loaders.val.at(epoch),
    epochs: resolved.epochs,
    schedule: recipe.schedule(resolved, loaders.train.length),
    monitor: resolved.monitor,
    ...(earlyStopping && { earlyStopping }),
    checkpoints,
    saveEveryMinutes: resolved.saveEveryMinutes,
    origin: { ...origin, weights: last ? (last.metadata.weights ?? null) : (weights?.origin ?? null) },
    settings: settingsOf(resolved),
    notes: [...lockNotes(folder), ...notes, ...same, ...wentOn, ...(mended?.notes ?? []), ...told, ...slower, ...sizeNotes(resolved), ...dataNotes(sets), ...gpuNotes(resolved)],
    ...(last && mended && { resume: { from: last.file, metadata: { ...last.metadata, best: mended.best } } }),
    ...(signal && { signal }),
  })
  const asBefore = computing.precision === undefined ? undefined : 'as in the run\'s config.json'
  const precisionReason = asBefore ?? (resolved.precision === 'auto' ? recipe.precisionReason?.(gpu) : undefined)
  const sizes = sizeSteps(resolved)
  let stop: StopEvent | undefined
  for await (const event of complete(events, { output: folder.path, ...(precisionReason !== undefined && { precisionReason }), ...(sizes.length > 0 && { sizes }) }, leftOut(sets))) {
    await log.write(event)
    onEvent?.(event)
    if (event.type === 'stop') stop = event
  }

  const { best, reloaded } = await verifyBest(session, folder, (size) => loaders.val.ofSize(size), signal)
  const skipped = [...leftOut(sets), ...loaders.train.skipped, ...loaders.val.skipped].map(({ path, code, message }) => ({ path, code, message }))
  return {
    output: folder.path,
    stop: stop?.reason ?? 'completed',
    epochs: stop?.epochs ?? 0,
    best,
    reloaded,
    seconds: (performance.now() - began) / 1000,
    device: session.device,
    precision: session.precision,
    skippedImages: skipped.length,
    skipped,
    passedOver: sets.passedOver,
    contradictions: sets.contradictions,
  }
}

function openFolder(options: Local<TrainOptions>): Promise<RunFolder> {
  const { resume, output, data } = options
  if (resume === true) {
    if (output === undefined) throw argumentError('the run folder to resume', 'output', output)
    return RunFolder.reopen(output)
  }
  return RunFolder.create(output, dataOf(data))
}

/** What was told must be on disk before a file that rests on it. */
function afterLog(log: EventLog, store: Pick<CheckpointStore, 'save'>): Pick<CheckpointStore, 'save'> {
  return {
    save: async (...args: [never, Savable, never]): Promise<SavedFile> => {
      await log.sync()
      return store.save(...args)
    },
  }
}

async function restore(session: Session, last: LastCheckpoint): Promise<string[]> {
  const { model, training } = separateState(last.tensors)
  await session.loadStateDict(model)
  await session.loadTrainingState(training)
  return fallbackNotes(last)
}

async function goOnFrom(session: Session, { state, notes }: SanityCheck): Promise<readonly string[]> {
  await session.loadStateDict(state)
  return notes
}

function countLabels({ classes, items }: ImageFolder): number[] {
  const counts = classes.map(() => 0)
  for (const { label } of items) counts[label] = (counts[label] ?? 0) + 1
  return counts
}

/** Adds what the loop cannot know: where the run lies, how its images grow, why the recipe computes as it does, and which files were no images from the beginning. */
async function* complete(events: AsyncIterable<TrainingEvent>, start: Pick<StartEvent, 'sizes'> & { readonly output: string; readonly precisionReason?: string }, files: readonly SkippedFile[]): AsyncGenerator<TrainingEvent> {
  for await (const event of events) {
    yield event.type === 'start' ? { ...event, ...start } : event
    if (event.type === 'start') for (const { path, code, message } of files) yield { type: 'image-skipped', path, code, message }
  }
}
