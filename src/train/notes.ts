import { cpus } from 'node:os'
import { join } from 'node:path'
import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import type { LastCheckpoint } from '../checkpoints/checkpoint-store.js'
import { EVENTS_FILE, type RunConfig, type RunFolder } from '../checkpoints/run-folder.js'
import type { SkippedFile } from '../data/image-folder.js'
import { type Sides, tellDuplicates } from '../data/describe-sides.js'
import { adviseOnGpu } from '../native/doctor.js'
import { loadAddon } from '../native/load-addon.js'
import { ROOT } from '../native/root.js'
import { plural } from '../plural.js'
import { readLoggedPosition } from '../report/read-events.js'
import type { ResolvedOptions } from './options.js'
import { sizeSteps } from './progressive-sizes.js'

export function tellData(sides: Sides): string[] {
  const left = leftOut(sides).length
  return [
    ...tellDuplicates(sides),
    ...sides.notes,
    ...(left > 0 ? [`${plural(left, 'file')} left out: ${EVENTS_FILE} names ${left === 1 ? 'it' : 'them'}.`] : []),
  ]
}

/** Files of the data folder that are no pictures to train on, each once. */
export function leftOut({ train, val }: Sides): SkippedFile[] {
  return [...new Map([...train.skipped, ...val.skipped].map((file) => [file.path, file])).values()]
}

export function tellSizes(options: ResolvedOptions): string[] {
  const [first] = sizeSteps(options)
  return first ? [`Pictures grow from ${first.size} to ${options.size} px over the epochs. Each epoch is scored at its own size.`] : []
}

/** A GPU that this libtorch cannot use is worth a line on every run that might have wanted it. */
export function tellGpu({ device }: ResolvedOptions): string[] {
  return device === 'cpu' ? [] : adviseOnGpu(loadAddon().system().cuda, locateLibtorch({ root: ROOT }).found?.cuda === true)
}

export function tellFolder({ tookOver }: RunFolder): string[] {
  if (tookOver === undefined) return []
  return [tookOver === null ? 'The lock of this run told of no process; going on in its place.' : `The process ${tookOver} that had this run is gone; going on in its place.`]
}

export function tellFallBack({ fellBack, file }: LastCheckpoint): string[] {
  return fellBack ? [`${fellBack.message}. Going on from ${file}, the one saved before it.`] : []
}

/** The log is written before the files that it must not fall behind: where it does, it was changed since. */
export async function tellLog(folder: RunFolder, { metadata: { position } }: LastCheckpoint): Promise<string[]> {
  const logged = await readLoggedPosition(join(folder.path, EVENTS_FILE))
  if (!logged || logged.epoch < position.epoch) return [`${EVENTS_FILE} ${logged ? `ends in epoch ${logged.epoch + 1}` : 'is gone'}, though epoch ${position.epoch} is over: it was changed since. Training does not depend on it.`]
  return logged.unreadable > 0 ? [`${EVENTS_FILE} has lines that are no events (${logged.unreadable}).`] : []
}

/** Equal bytes take the same threads and processor. */
export function tellMachine(before: Pick<RunConfig<unknown>, 'threads' | 'processor'>, threads: number): string[] {
  const now = processorName()
  if (before.threads === undefined || (before.threads === threads && before.processor === now)) return []
  return [`This run began with ${before.threads} threads on ${before.processor}, and goes on with ${threads} on ${now}: the last digits may differ from an unbroken run's.`]
}

export function processorName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown'
}
