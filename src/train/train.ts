import { availableParallelism, cpus } from 'node:os'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { BEST_FILE, type LastCheckpoint, separateState } from '../checkpoints/checkpoint-store.js'
import { EVENTS_FILE, RunFolder, type RunSplit } from '../checkpoints/run-folder.js'
import type { DataLoader } from '../data/data-loader.js'
import type { ImageFolder, SkippedFile } from '../data/image-folder.js'
import { fingerprint, openSides, type Sides } from '../data/open-sides.js'
import { argumentError, TorchgraftError } from '../errors.js'
import type { Metrics } from '../metrics/metrics.js'
import { adviseOnGpu } from '../native/doctor.js'
import { setUpAtFirstUse } from '../native/first-use.js'
import { loadAddon } from '../native/load-addon.js'
import { ROOT } from '../native/root.js'
import { Session } from '../native/session.js'
import type { Device, MemoryFormat, Precision, SessionOptions } from '../native/session-options.js'
import { EventLog } from '../report/event-log.js'
import { VERSION } from '../version.js'
import { evaluate } from './evaluate.js'
import type { StopEvent, StopReason, TrainingEvent } from './events.js'
import { fit } from './fit.js'
import { chooseMemoryFormat } from './memory-format.js'
import { type ResolvedOptions, resolveOptions, resumeOptions, type TrainOptions } from './options.js'
import { makeEarlyStopping, makeLoaders, makeSchedule, sessionOptions } from './recipe.js'
import { applyWeights, openStartingWeights } from './starting-weights.js'

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
  const { signal, onEvent } = options
  if (options.resume !== true) resolveOptions(options) // complains before anything is fetched or made
  await setUpAtFirstUse()
  await using folder = await openFolder(options)
  const { resolved, data, computing } = await decide(folder, options)
  const sides = await openSides(data, { val: resolved.val, seed: resolved.seed, followLinks: resolved.followLinks, ...(signal && { signal }) })
  const origin = { data: { fingerprint: fingerprint(sides.classes, [...sides.train.items, ...sides.val.items]), train: sides.train.length, val: sides.val.length } }
  const last = await folder.checkpoints.last()
  checkUnchanged(last, origin.data.fingerprint)
  await using weights = resolved.weights === null || last ? null : await openStartingWeights(resolved.weights)

  const wanted = { ...sessionOptions(resolved, sides.classes.length, countLabels(sides.train)), ...computing }
  const { memoryFormat, told } = await chooseMemoryFormat(wanted, resolved)
  await using session = await Session.create({ ...wanted, memoryFormat })
  await using loaders = makeLoaders(resolved, sides)
  const notes = last ? await restore(session, last) : weights ? await applyWeights(session, weights, sides.classes) : ['The model is trained from scratch.']
  await folder.writeConfig({
    formatVersion: 1, torchgraft: VERSION, libtorch: loadAddon().libtorchVersion, data: resolve(data), options: resolved,
    device: session.device, precision: session.precision, memoryFormat: session.memoryFormat, threads: session.threads, processor: cpus()[0]?.model.trim() ?? 'unknown',
  })
  await folder.writeSplit(splitOf(resolved.seed, sides))

  await using log = await EventLog.open(folder.eventsFile)
  const earlyStopping = makeEarlyStopping(resolved)
  const events = fit(session, {
    train: loaders.train,
    val: loaders.val,
    epochs: resolved.epochs,
    schedule: makeSchedule(resolved, loaders.train.length),
    monitor: resolved.monitor,
    ...(earlyStopping && { earlyStopping }),
    checkpoints: folder.checkpoints,
    saveEveryMinutes: resolved.saveEveryMinutes,
    origin: { ...origin, weights: last ? (last.metadata.weights ?? null) : (weights?.origin ?? null) },
    notes: [...notes, ...told, ...tellData(sides), ...tellFolder(folder), ...tellGpu(resolved)],
    ...(last && { resume: { from: last.file, metadata: last.metadata } }),
    ...(signal && { signal }),
  })
  let stop: StopEvent | undefined
  for await (const event of complete(events, folder.path, leftOut(sides))) {
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
}

async function decide(folder: RunFolder, options: TrainOptions): Promise<Decisions> {
  if (options.resume !== true) return { resolved: resolveOptions(options), data: dataOf(options.data), computing: {} }
  const { options: saved, data, device, precision, memoryFormat = 'channels_last', threads } = await folder.readConfig<ResolvedOptions>()
  if (options.data !== undefined && resolve(options.data) !== data) throw new TorchgraftError('ERR_RESUME_MISMATCH', `This run began with the data in ${data}, not ${resolve(options.data)}`, { path: folder.path })
  const computing = { device: device as Device, precision: precision as Precision, memoryFormat: memoryFormat as MemoryFormat } // Session.create checks them
  // Fewer cores than it began with: no more threads than they can run.
  const same = threads !== undefined && threads <= availableParallelism()
  return { resolved: resumeOptions(saved, options), data, computing: { ...computing, ...(same && { threads }) } }
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
    ...(duplicates > 0 ? [`Exact duplicates: ${duplicates}. ${shared === 0 ? 'Each is on the side of its twin.' : `Of these, ${shared} lie on both sides, as the folders have it: the score flatters.`}`] : []),
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

/** Adds what the loop cannot know: where the run lies, and which files were no pictures from the beginning. */
async function* complete(events: AsyncIterable<TrainingEvent>, output: string, files: readonly SkippedFile[]): AsyncGenerator<TrainingEvent> {
  for await (const event of events) {
    yield event.type === 'start' ? { ...event, output } : event
    if (event.type === 'start') for (const { path, code, message } of files) yield { type: 'image-skipped', path, code, message }
  }
}

function tellFolder({ tookOver }: RunFolder): string[] {
  return tookOver === undefined ? [] : [`The process ${tookOver} that had this run is gone; going on in its place.`]
}

/** The proof that the file is the model that was scored. */
async function scoreBestAgain(session: Session, folder: RunFolder, val: DataLoader, signal: AbortSignal | undefined) {
  const path = join(folder.path, BEST_FILE)
  if (!existsSync(path)) throw new TorchgraftError('ERR_NOT_FINITE', 'No epoch had a validation loss that is a number, so there is no best model. Try a lower learning rate')
  const { tensors, metadata } = await folder.checkpoints.best()
  const { metrics } = metadata
  if (!metrics) throw new TorchgraftError('ERR_FILE_FORMAT', `${path} does not say how it was scored`, { path })
  await session.loadStateDict(tensors)
  const { loss, top1, count } = await evaluate(session, val, signal ? { signal } : {})
  const agrees = count === metrics.count && top1 === metrics.top1 && Math.abs(loss - metrics.loss) <= 1e-4 * Math.max(1, metrics.loss)
  if (!agrees) {
    throw new TorchgraftError('ERR_FILE_CHECKSUM', `${path} scores top-1 ${top1} and loss ${loss} when it is loaded again, but ${metrics.top1} and ${metrics.loss} in training: do not trust it`, { path })
  }
  const { epoch, ...scored } = metrics
  return { best: { epoch, metrics: scored, file: BEST_FILE }, reloaded: { loss, top1, count } }
}
