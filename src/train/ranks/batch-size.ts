import type { Ranks } from '../../distributed/ranks.js'
import { argumentError } from '../../errors.js'
import type { ResolvedOptions } from '../../recipes/options.js'

/** Whether a batch is shared evenly. @throws ERR_ARGUMENT, naming the next batch sizes that are */
export function checkBatchSize({ batchSize }: Pick<ResolvedOptions, 'batchSize'>, { worldSize }: Pick<Ranks, 'worldSize'>): void {
  if (batchSize % worldSize === 0) return
  const below = Math.floor(batchSize / worldSize) * worldSize
  const next = below === 0 ? String(worldSize) : `${below} or ${below + worldSize}`
  throw argumentError(`a batch size that ${worldSize} ranks share evenly, such as ${next},`, 'batchSize', batchSize)
}
