import { loadAddon } from '../../addon/load.js'
import type { SessionOptions } from '../../session/options.js'
import { resolveSessionOptions } from '../../session/resolve-options.js'
import { chooseMemoryFormat } from '../memory-format.js'
import { sessionOptionsOf } from '../open-training.js'
import type { Run } from '../run.js'
import type { Place } from './place.js'

export interface Computing {
  /** Of the run's session. */
  readonly session: SessionOptions
  /** Of a session that rank 0 has to itself. */
  readonly alone: SessionOptions
  /** About the choice, for the user. */
  readonly notes: readonly string[]
}

/** What a run computes with: each rank its own device, and all in the precision and memory format that rank 0 chooses. */
export async function decideComputing({ ranks, computing }: Place, run: Run): Promise<Computing> {
  const { batchSize, size, threads } = run.resolved
  const wanted: SessionOptions = {
    ...sessionOptionsOf(run), ...run.computing, ...(computing && { device: computing.device, threads: threads ?? computing.threads }),
  }
  const { memoryFormat, notes, precision } = await ranks.fromFirst('how it is computed', async () => ({
    ...(await chooseMemoryFormat(wanted, { batchSize: batchSize / ranks.worldSize, size })),
    precision: (await resolveSessionOptions(wanted, loadAddon())).native.precision,
  }))
  const alone = { ...wanted, memoryFormat }
  if (!computing) return { session: alone, alone, notes }
  return { session: { ...alone, ...(ranks.rank > 0 && { precision }), group: computing.group }, alone, notes }
}
