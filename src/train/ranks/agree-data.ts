import { createHash } from 'node:crypto'
import type { Ranks } from '../../distributed/ranks.js'
import { TorchgraftError } from '../../errors.js'
import type { RunSplit } from '../../runs/run-folder.js'
import { difference } from '../resume/splits.js'

/**
 * Whether all ranks see the same images in the same order of the same splits, each in its own folder.
 *
 * @throws ERR_DATA_CHANGED, naming the rank and the first image that differs
 */
export async function agreeOnData(ranks: Ranks, data: string, split: RunSplit): Promise<void> {
  const seen = await ranks.gather('the images', { data, sha256: orderOf(split) })
  if (seen.every(({ sha256 }) => sha256 === seen[0]?.sha256)) return
  const first = await ranks.fromFirst('rank 0\'s images', () => split)
  const differences = await ranks.gather('what differs', difference(first, split) ?? null)
  const rank = differences.findIndex((each) => each !== null)
  const where = `Rank ${rank}, in ${seen[rank]?.data}, sees other images than rank 0 in ${seen[0]?.data}`
  throw new TorchgraftError('ERR_DATA_CHANGED', `${where}: the first that differs is ${differences[rank]}. Give all ranks the same folder`)
}

/** Of what decides training: contents and labels, in their order. */
function orderOf({ classes, train, val }: RunSplit): string {
  const hash = createHash('sha256').update(JSON.stringify(classes))
  for (const items of [train, val]) {
    hash.update(`\n${items.length}`)
    for (const item of items) hash.update(`\n${item.hash} ${item.label}`)
  }
  return hash.digest('hex')
}
