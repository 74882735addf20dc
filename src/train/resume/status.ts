import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointStore, type LastCheckpoint } from '../../runs/checkpoint-store.js'
import { EVENTS_FILE, readConfigIn } from '../../runs/run-folder.js'
import { type Holder, holderOf } from '../../runs/run-lock.js'
import { TorchgraftError } from '../../errors.js'
import { aPath, type LocalPath, toPath } from '../../options/local-path.js'
import type { BestEpoch } from '../../metrics/metrics.js'
import { readLoggedPosition } from '../../runs/read-events.js'
import type { ResolvedOptions } from '../../recipes/options.js'
import { checkSettings } from './check-same.js'
import { checkConfig } from './saved-config.js'
import { describePosition } from '../../runs/saved-position.js'

/** How far a run has come. `epoch` counts finished epochs, `step` the steps of the next. */
export interface RunStatus {
  /** Epochs that the run is to train; null where `config.json` cannot be used. */
  readonly epochs: number | null
  /** The position that is on disk, and its file; null where nothing was saved yet. */
  readonly saved: { readonly file: string; readonly epoch: number; readonly step: number } | null
  /** The last position in `events.jsonl`, which may be further than what was saved; null where it holds none. */
  readonly logged: { readonly epoch: number; readonly step: number } | null
  /** The best epoch so far, from 1; null before the first is scored. */
  readonly best: Pick<BestEpoch, 'epoch' | 'metrics'> | null
  /** The process that has locked the folder, dead or alive; null where none has. */
  readonly holder: Holder | null
  /** Whether the run can be resumed, and what would happen then, in words. */
  readonly resume: { readonly possible: boolean; readonly says: string }
}

/**
 * Looks at a run folder without changing it: its lock, its log, and the whole of the file that a resumed run would go on from.
 *
 * @throws ERR_FILE_FORMAT where there is no run; ERR_ARGUMENT
 */
export async function runStatus(location: LocalPath): Promise<RunStatus> {
  aPath('a run folder')(location, 'folder')
  const folder = toPath(location)
  const config = await readConfigIn(folder)
  const holder = (await holderOf(folder)) ?? null
  const logged = await readLoggedPosition(join(folder, EVENTS_FILE))
  const common = { logged: logged ? { epoch: logged.epoch, step: logged.step } : null, holder }
  let resolved: ResolvedOptions | undefined
  let last: LastCheckpoint | undefined
  try {
    last = await (await CheckpointStore.open(folder)).last()
    resolved = checkConfig(folder, config).resolved
    if (last) checkSettings(folder, last, resolved)
    if (!existsSync(config.data)) throw new TorchgraftError('ERR_DATA_EMPTY', `the folder of the images, ${config.data}, is missing`)
    return { ...describe(last, resolved), ...common, resume: predictResume(last, resolved, holder) }
  } catch (error) {
    if (!(error instanceof TorchgraftError)) throw error
    return { ...describe(last, resolved), ...common, resume: { possible: false, says: `would be refused: ${error.message}` } }
  }
}

type SavedStatus = Pick<RunStatus, 'epochs' | 'saved' | 'best'>

function describe(last: LastCheckpoint | undefined, resolved: ResolvedOptions | undefined): SavedStatus {
  const best = last?.metadata.best
  return {
    epochs: resolved?.epochs ?? null,
    saved: last ? { file: last.file, epoch: last.metadata.position.epoch, step: last.metadata.position.step } : null,
    best: best ? { epoch: best.epoch, metrics: best.metrics } : null,
  }
}

function predictResume(last: LastCheckpoint | undefined, resolved: ResolvedOptions, holder: Holder | null): RunStatus['resume'] {
  if (holder?.life === 'alive') return { possible: false, says: `would be refused: process ${holder.pid} is training here` }
  if (holder?.life === 'unknown') {
    const locked = `process ${holder.pid} on ${holder.host} has locked it, and may still be running`
    return { possible: false, says: `would be refused: ${locked}` }
  }
  const first = [
    ...(holder ? ['take over from a process that no longer runs'] : []),
    ...(last?.recoveredFrom ? [`fall back to ${last.file} (${last.recoveredFrom.message})`] : []),
  ]
  return { possible: true, says: `would ${[...first, remaining(last, resolved)].join(', and ')}` }
}

function remaining(last: LastCheckpoint | undefined, { epochs, patience }: ResolvedOptions): string {
  if (!last) return 'start from the beginning: nothing was saved yet'
  const { position, patience: kept } = last.metadata
  const finished = position.epoch >= epochs || (patience !== null && kept !== null && kept.wait >= patience)
  return finished ? 'load the best model and score it again: training is finished' : `continue after ${describePosition(position)}`
}
