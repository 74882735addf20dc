import type { Batch } from '../loader/batch.js'
import { TorchgraftError } from '../errors.js'
import { type SavedPosition, tellLastGood } from '../runs/saved-position.js'

/** An error of a step; where memory ran out, with the batch size to try. */
export function explainOutOfMemory(error: unknown, { size, images: { output } }: Batch, lastGood: SavedPosition | undefined): unknown {
  if (!(error instanceof TorchgraftError) || error.code !== 'ERR_OUT_OF_MEMORY') return error
  const advice = size > 1 ? `Try a batch size of ${Math.floor(size / 2)} in a new run` : 'Try smaller images, or a smaller model'
  const saved = lastGood ? ` ${tellLastGood(lastGood)}` : ''
  return new TorchgraftError('ERR_OUT_OF_MEMORY', `There is not enough memory for a batch of ${size} at ${output} px.${saved} ${advice}`, { cause: error })
}
