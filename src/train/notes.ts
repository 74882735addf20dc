import { join } from 'node:path'
import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import type { LastCheckpoint } from '../runs/checkpoint-store.js'
import { EVENTS_FILE, type RunConfig, type RunFolder } from '../runs/run-folder.js'
import type { SkippedFile } from '../datasets/skipped-file.js'
import type { TrainVal } from '../datasets/describe-splits.js'
import { duplicateNotes } from '../datasets/split-notes.js'
import { adviseOnGpu } from '../addon/doctor.js'
import { processorName } from '../addon/processor.js'
import { loadAddon } from '../addon/load.js'
import { packageRoot } from '../package.js'
import { plural } from '../text/plural.js'
import type { SizeStep } from '../runs/events.js'
import { readLoggedPosition } from '../runs/read-events.js'
import type { ResolvedOptions } from '../recipes/options.js'
import type { Device } from '../session/options.js'

export function dataNotes(sets: TrainVal): string[] {
  const left = leftOut(sets).length
  return [
    ...duplicateNotes(sets),
    ...sets.notes,
    ...(left > 0 ? [`${plural(left, 'file')} ${left === 1 ? 'was' : 'were'} left out: ${EVENTS_FILE} names ${left === 1 ? 'it' : 'them'}.`] : []),
  ]
}

/** Files of the data folder that are no images to train on, each once. */
export function leftOut({ train, val }: TrainVal): SkippedFile[] {
  return [...new Map([...train.skipped, ...val.skipped].map((file) => [file.path, file])).values()]
}

export function sizeNotes(sizes: readonly SizeStep[] = []): string[] {
  const [first, last] = [sizes[0], sizes.at(-1)]
  return first && last ? [`Images grow from ${first.size} to ${last.size} px over the epochs. Each epoch is scored at its own size.`] : []
}

/** A GPU that this libtorch cannot use is worth a line on every run that might have wanted it. */
export function gpuNotes({ device }: ResolvedOptions, worldSize: number): string[] {
  if (device === 'cpu') return []
  const { cuda } = loadAddon().system()
  const hasCudaBuild = locateLibtorch({ root: packageRoot() }).found?.cuda === true
  return [...adviseOnGpu(cuda, hasCudaBuild), ...otherGpuNotes(cuda.length, device, worldSize)]
}

/** Where nobody chose one of several GPUs, the others are worth a line. */
export function otherGpuNotes(gpus: number, device: Device, worldSize: number): string[] {
  if (gpus < 2 || worldSize > 1 || (device !== 'auto' && device !== 'cuda')) return []
  return [`This machine has ${plural(gpus, 'GPU')}, and this run uses one of them: "torchgraft train --device cuda:all" trains on all.`]
}

export function lockNotes(folder: RunFolder | undefined): string[] {
  const staleLockPid = folder?.staleLockPid
  if (staleLockPid === undefined) return []
  return [staleLockPid === null ? 'The lock of this run named no process, and was taken over.' : `Process ${staleLockPid}, which had locked this run, no longer runs: the lock was taken over.`]
}

export function fallbackNotes({ recoveredFrom, file }: LastCheckpoint): string[] {
  return recoveredFrom ? [`${recoveredFrom.message}. Continuing from ${file}, the one saved before it.`] : []
}

/** The log is written before the files that it must not fall behind: where it does, it was changed since. */
export async function logNotes(folder: RunFolder, { metadata: { position } }: LastCheckpoint): Promise<string[]> {
  const logged = await readLoggedPosition(join(folder.path, EVENTS_FILE))
  if (!logged || logged.epoch < position.epoch) return [`${EVENTS_FILE} ${logged ? `ends in epoch ${logged.epoch + 1}` : 'is missing'}, though epoch ${position.epoch} is finished: it has been changed since. Training does not depend on it.`]
  return logged.unreadable > 0 ? [`${EVENTS_FILE} has ${plural(logged.unreadable, 'line')} that cannot be read as ${logged.unreadable === 1 ? 'an event' : 'events'}.`] : []
}

/** Equal bytes take the same threads and processor. */
export function machineNotes(before: Pick<RunConfig<unknown>, 'threads' | 'processor' | 'worldSize'>, now: ComputedOn): string[] {
  const { threads, processor, worldSize = 1 } = before
  const here = processorName()
  if (threads === undefined || (threads === now.threads && worldSize === now.worldSize && processor === here)) return []
  return [`This run began with ${describe({ threads, worldSize })} on ${processor}, and continues with ${describe(now)} on ${here}: the last digits may differ from those of a run that was never stopped.`]
}

interface ComputedOn {
  readonly threads: number
  readonly worldSize: number
}

function describe({ threads, worldSize }: ComputedOn): string {
  return worldSize > 1 ? `${plural(worldSize, 'rank')} of ${plural(threads, 'thread')}` : plural(threads, 'thread')
}
