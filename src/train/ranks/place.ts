import { setUpAtFirstUse } from '../../addon/first-use.js'
import { loadAddon } from '../../addon/load.js'
import { JoinedRanks } from '../../distributed/join.js'
import { type RankEnvironment, rankEnvironment } from '../../distributed/rank-environment.js'
import { ALONE, type Ranks } from '../../distributed/ranks.js'
import { defaultCacheBytes } from '../../loader/pixel-cache.js'
import type { Sharing } from '../../recipes/recipe.js'
import type { Device } from '../../session/options.js'
import type { ProcessGroup } from '../../session/process-group.js'
import { defaultThreads } from '../../session/threads.js'

/** Where a run's process stands: alone, or as one of those that share the run. */
export interface Place {
  readonly ranks: Ranks
  /** This rank's part of each batch, and of the machine's memory. */
  readonly sharing: Sharing
  /** Of several ranks: what this one computes with. */
  readonly computing?: PlaceComputing
}

export interface PlaceComputing {
  readonly group: ProcessGroup
  readonly device: 'cpu' | `cuda:${number}`
  /** This rank's part of the machine's cores. */
  readonly threads: number
}

export const BY_ITSELF: Place = { ranks: ALONE, sharing: {} }

/**
 * Does `work` in this process's place, which the environment tells.
 *
 * @param device that was asked for
 * @throws ERR_ARGUMENT, naming the environment's variable; ERR_DISTRIBUTED where another rank does not come, or fails
 */
export async function inPlace<T>(device: Device, work: (place: Place) => Promise<T>): Promise<T> {
  const environment = rankEnvironment()
  if (!environment) return work(BY_ITSELF)
  await setUpAtFirstUse()
  const computing = { device: deviceOf(environment, device), threads: threadsOf(environment) }
  await using joined = await JoinedRanks.join(environment, computing.device)
  const { rank, worldSize, localWorldSize } = environment
  const sharing = { rank, worldSize, cacheBytes: Math.floor(defaultCacheBytes() / localWorldSize) }
  return await joined.together(() => work({ ranks: joined.ranks, sharing, computing: { ...computing, group: joined.group } }))
}

/** A rank has the GPU of its number on its machine, unless it was given one by name. */
function deviceOf({ localRank }: RankEnvironment, device: Device): PlaceComputing['device'] {
  if (device === 'cpu' || (device === 'auto' && loadAddon().system().cuda.length === 0)) return 'cpu'
  return device === 'auto' || device === 'cuda' ? `cuda:${localRank}` : device
}

function threadsOf({ localWorldSize }: RankEnvironment): number {
  const asked = process.env['OMP_NUM_THREADS'] ?? process.env['MKL_NUM_THREADS']
  const threads = defaultThreads(loadAddon().system().threads)
  return asked ? threads : Math.max(1, Math.floor(threads / localWorldSize))
}
