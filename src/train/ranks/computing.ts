import { loadAddon } from '../../addon/load.js'
import type { SessionOptions } from '../../session/options.js'
import type { Processes } from '../../session/process-group.js'
import { resolveSessionOptions } from '../../session/resolve-options.js'
import { chooseMemoryFormat } from '../memory-format.js'
import { sessionOptionsOf } from '../open-training.js'
import type { Run } from '../run.js'
import type { Place } from './place.js'

export interface Computing {
  readonly session: SessionOptions
  /** Of several ranks: who trains the session's model with this one. */
  readonly processes: Processes | undefined
  /** About the choice, for the user. */
  readonly notes: readonly string[]
}

/** What a run computes with: each rank its own device, and all in the precision and memory format that rank 0 chooses. */
export async function decideComputing({ ranks, computing }: Place, run: Run): Promise<Computing> {
  const { batchSize, size, threads, syncBatchNorm } = run.resolved
  const wanted: SessionOptions = {
    ...sessionOptionsOf(run), ...run.computing, ...(computing && { device: computing.device, threads: threads ?? computing.threads }),
  }
  const { memoryFormat, notes, precision } = await ranks.fromFirst('how it is computed', async () => ({
    ...(await chooseMemoryFormat(wanted, { batchSize: batchSize / ranks.worldSize, size })),
    precision: (await resolveSessionOptions(wanted, loadAddon())).native.precision,
  }))
  const session = { ...wanted, memoryFormat, ...(ranks.rank > 0 && { precision }) }
  return { session, processes: computing && { group: computing.group, syncBatchNorm }, notes }
}
