import type { ResolvedOptions } from '../recipes/options.js'
import type { CheckpointWriter } from '../runs/checkpoint-store.js'
import { EventLog } from '../runs/event-log.js'
import type { TrainingEvent } from '../runs/events.js'
import type { RunConfig } from '../runs/run-folder.js'
import type { Run } from './run.js'

/** Where a run is written down while it trains: in its folder, by rank 0. Another rank has none, and writes nothing. */
export class RunRecord implements AsyncDisposable {
  /** Where `last` and `best` go. */
  readonly checkpoints: CheckpointWriter
  readonly #log: EventLog

  private constructor(checkpoints: CheckpointWriter, log: EventLog) {
    this.checkpoints = checkpoints
    this.#log = log
  }

  /** @throws ERR_WRITE */
  static async begin({ folder, recipe, split }: Run, config: RunConfig<ResolvedOptions>): Promise<RunRecord | undefined> {
    if (!folder) return undefined
    await folder.writeConfig(config)
    await folder.writeSplit(split)
    const log = await EventLog.open(folder.eventsFile)
    return new RunRecord(afterLog(log, recipe.wrapStore?.(folder.checkpoints) ?? folder.checkpoints), log)
  }

  async write(event: TrainingEvent): Promise<void> {
    await this.#log.write(event)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log[Symbol.asyncDispose]()
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
