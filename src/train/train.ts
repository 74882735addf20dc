import { availableParallelism, cpus } from 'node:os'
import { resolve } from 'node:path'
import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { withBestModelPth } from '../checkpoints/best-model-pth.js'
import { type LastCheckpoint, separateState } from '../checkpoints/checkpoint-store.js'
import { EVENTS_FILE, RunFolder, type RunSplit } from '../checkpoints/run-folder.js'
import type { ImageFolder, SkippedFile } from '../data/image-folder.js'
import { NOTEBOOK_SPLIT_SEED } from '../data/notebook-sides.js'
import { fingerprint, type Sides } from '../data/open-sides.js'
import { argumentError, TorchgraftError } from '../errors.js'
import type { Metrics } from '../metrics/metrics.js'
import { adviseOnGpu } from '../native/doctor.js'
import { setUpAtFirstUse } from '../native/first-use.js'
import { loadAddon } from '../native/load-addon.js'
import { isOnGpu } from '../native/on-gpu.js'
import { ROOT } from '../native/root.js'
import { Session } from '../native/session.js'
import type { Device, MemoryFormat, Precision, SessionOptions } from '../native/session-options.js'
import { EventLog } from '../report/event-log.js'
import { VERSION } from '../version.js'
import type { StopEvent, StopReason, TrainingEvent } from './events.js'
import { fit } from './fit.js'
import { chooseMemoryFormat } from './memory-format.js'
import { decideMeanStd } from './mean-std.js'
import { notebookHead } from './notebook-head.js'
import { type MeanStd, type ResolvedOptions, resolveOptions, resumeOptions, type TrainOptions } from './options.js'
import { makeEarlyStopping } from './recipe.js'
import { RECIPE_OF } from './recipes.js'
import { type SanityCheck, sanityCheck } from './sanity-check.js'
import { scoreBestAgain } from './score-best-again.js'
import { beginModel, openStartingWeights } from './starting-weights.js'

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
  /** Broken pictures that were left out. */
  readonly skippedImages: number
}

/**
 * A folder of pictures in, a run folder with a model file out: the default recipe, from split to the reloaded best file.
 *
 * @throws `signal.reason` when aborted, with the position saved
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const began = performance.now()
  const { signal, onEvent, onProgress } = options
  if (options.resume !== true) resolveOptions(options) // complains before anything is fetched or made
  await setUpAtFirstUse()
  await using folder = await openFolder(options)
  const { resolved, data, computing, saved } = await decide(folder, options)
  const recipe = RECIPE_OF[resolved.recipe]
  const sides = await recipe.openSides(data, resolved, signal)
  recipe.checkSides?.(resolved, sides)
  const origin = { data: { fingerprint: fingerprint(sides.classes, [...sides.train.items, ...sides.val.items]), train: sides.train.length, val: sides.val.length } }
  const last = await folder.checkpoints.last()
  checkUnchanged(last, origin.data.fingerprint)
  await using weights = resolved.weights === null || last ? null : await openStartingWeights(resolved.weights)

  const gpu = isOnGpu(resolved.device)
  const wanted = { ...recipe.sessionOptions(resolved, sides.classes.length, countLabels(sides.train), gpu), ...computing }
  const { memoryFormat, told } = await chooseMemoryFormat(wanted, resolved)
  const meanStd = last?.metadata ?? saved ?? (await decideMeanStd(sides.train, { ...resolved, signal, onProgress }))
  await using loaders = recipe.loaders(resolved, sides, meanStd)
  const head = resolved.recipe === 'notebook' && !last ? notebookHead(resolved.model, sides.classes.length, resolved.seed) : undefined
  const begin = (session: Session): Promise<string[]> => beginModel(session, weights, sides.classes, head?.tensors)
  const checked = head && resolved.sanitySteps > 0
    ? await sanityCheck({ resolved, session: { ...wanted, memoryFormat }, train: sides.train, meanStd, bits: head.bits, begin, signal, onProgress })
    : undefined
  await using session = await Session.create({ ...wanted, memoryFormat })
  const notes = last ? await restore(session, last) : checked ? await goOnFrom(session, checked) : await begin(session)
  await folder.writeConfig({
    formatVersion: 1, torchgraft: VERSION, libtorch: loadAddon().libtorchVersion, data: resolve(data), options: resolved, mean: meanStd.mean, std: meanStd.std,
    device: session.device, precision: session.precision, memoryFormat: session.memoryFormat, threads: session.threads, processor: cpus()[0]?.model.trim() ?? 'unknown',
  })
  await folder.writeSplit(splitOf(resolved.recipe === 'notebook' ? NOTEBOOK_SPLIT_SEED : resolved.seed, sides))

  await using log = await EventLog.open(folder.eventsFile)
  const earlyStopping = makeEarlyStopping(resolved)
  const events = fit(session, {
    train: loaders.train,
    val: loaders.val,
    epochs: resolved.epochs,
    schedule: recipe.schedule(resolved, loaders.train.length),
    monitor: resolved.monitor,
    ...(earlyStopping && { earlyStopping }),
    checkpoints: resolved.recipe === 'notebook' ? withBestModelPth(folder.checkpoints, session) : folder.checkpoints,
    saveEveryMinutes: resolved.saveEveryMinutes,
    origin: { ...origin, weights: last ? (last.metadata.weights ?? null) : (weights?.origin ?? null) },
    notes: [...notes, ...told, ...tellData(sides), ...tellFolder(folder), ...tellGpu(resolved)],
    ...(last && { resume: { from: last.file, metadata: last.metadata } }),
    ...(signal && { signal }),
  })
  const why = resolved.precision === 'auto' ? recipe.why?.(gpu) : undefined
  let stop: StopEvent | undefined
  for await (const event of complete(events, { output: folder.path, ...(why !== undefined && { why }) }, leftOut(sides))) {
    await log.write(event)
    onEvent?.(event)
    if (event.type === 'stop') stop = event
  }

  const { best, reloaded } = await scoreBestAgain(session, folder, loaders.val, signal)
  return {
    output: folder.path,
    stop: stop?.reason ?? 'completed',
    epochs: stop?.epochs ?? 0,
    best,
    reloaded,
    seconds: (performance.now() - began) / 1000,
    device: session.device,
    precision: session.precision,
    skippedImages: loaders.train.skipped.length + loaders.val.skipped.length,
  }
}

function openFolder(options: TrainOptions): Promise<RunFolder> {
  const { resume, output, data } = options
  if (resume === true) {
    if (output === undefined) throw argumentError('the run folder to resume', 'output', output)
    return RunFolder.reopen(output)
  }
  return RunFolder.create(output, dataOf(data))
}

interface Decisions {
  readonly resolved: ResolvedOptions
  readonly data: string
  /** A resumed run goes on as it began, whatever `auto` would be on this machine. */
  readonly computing: Pick<SessionOptions, 'device' | 'precision' | 'memoryFormat' | 'threads'>
  /** What a resumed run normalizes with. */
  readonly saved?: MeanStd
}

async function decide(folder: RunFolder, options: TrainOptions): Promise<Decisions> {
  if (options.resume !== true) return { resolved: resolveOptions(options), data: dataOf(options.data), computing: {} }
  const { options: saved, data, device, precision, memoryFormat = 'channels_last', threads, mean, std } = await folder.readConfig<ResolvedOptions>()
  if (options.data !== undefined && resolve(options.data) !== data) throw new TorchgraftError('ERR_RESUME_MISMATCH', `This run began with the data in ${data}, not ${resolve(options.data)}`, { path: folder.path })
  const computing = { device: device as Device, precision: precision as Precision, memoryFormat: memoryFormat as MemoryFormat } // Session.create checks them
  // Fewer cores than it began with: no more threads than they can run.
  const same = threads !== undefined && threads <= availableParallelism()
  return { resolved: resumeOptions(saved, options), data, computing: { ...computing, ...(same && { threads }) }, ...(mean && std && { saved: { mean, std } }) }
}

function dataOf(data: string | undefined): string {
  if (typeof data === 'string' && data !== '') return data
  throw argumentError('a folder of pictures', 'data', data)
}

function checkUnchanged(last: LastCheckpoint | undefined, fingerprint: string): void {
  if (!last || last.metadata.data?.fingerprint === fingerprint) return
  throw new TorchgraftError('ERR_DATA_CHANGED', 'The pictures are not those that this run began with, so it cannot go on. Put them back, or start a new run with --weights and its best.safetensors')
}

async function restore(session: Session, last: LastCheckpoint): Promise<string[]> {
  const { model, training } = separateState(last.tensors)
  await session.loadStateDict(model)
  await session.loadTrainingState(training)
  return last.fellBack ? [`${last.fellBack.message}. Going on from ${last.file}, the one saved before it.`] : []
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

function splitOf(seed: number, { classes, train, val }: Sides): RunSplit {
  const list = ({ items }: ImageFolder) => items.map(({ path, label, hash }) => ({ path, label: classes[label] ?? String(label), hash }))
  return { formatVersion: 1, seed, classes, train: list(train), val: list(val) }
}

function tellData(sides: Sides): string[] {
  const left = leftOut(sides).length
  const { duplicates, shared } = sides
  return [
    ...(duplicates > 0 ? [`Exact duplicates: ${duplicates}. ${shared === 0 ? 'Each is on the side of its twin.' : `Of these, ${shared} lie on both sides: the score flatters.`}`] : []),
    ...(left > 0 ? [`${left} files were left out: ${EVENTS_FILE} names them.`] : []),
  ]
}

/** A GPU that this libtorch cannot use is worth a line on every run that might have wanted it. */
function tellGpu({ device }: ResolvedOptions): string[] {
  return device === 'cpu' ? [] : adviseOnGpu(loadAddon().system().cuda, locateLibtorch({ root: ROOT }).found?.cuda === true)
}

/** Files of the data folder that are no pictures to train on, each once. */
function leftOut({ train, val }: Sides): SkippedFile[] {
  return [...new Map([...train.skipped, ...val.skipped].map((file) => [file.path, file])).values()]
}

/** Adds what the loop cannot know: where the run lies, why the recipe computes as it does, and which files were no pictures from the beginning. */
async function* complete(events: AsyncIterable<TrainingEvent>, start: { readonly output: string; readonly why?: string }, files: readonly SkippedFile[]): AsyncGenerator<TrainingEvent> {
  for await (const event of events) {
    yield event.type === 'start' ? { ...event, ...start } : event
    if (event.type === 'start') for (const { path, code, message } of files) yield { type: 'image-skipped', path, code, message }
  }
}

function tellFolder({ tookOver }: RunFolder): string[] {
  return tookOver === undefined ? [] : [`The process ${tookOver} that had this run is gone; going on in its place.`]
}
