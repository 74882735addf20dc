import { TorchgraftError } from '../errors.js'
import type { Batch } from '../loader/batch.js'
import { describeLastGood, type SavedPosition } from '../runs/saved-position.js'
import type { Trainable } from './fit-options.js'

/** A session's steps, whose errors say which batch size to try where memory ran out. */
export function withMemoryAdvice(session: Trainable, lastGood: () => SavedPosition | undefined): Pick<Trainable, 'trainStep' | 'evalStep'> {
  const advise = (batch: Batch) => (error: unknown) => Promise.reject(explain(error, batch, lastGood()))
  return {
    trainStep: (batch, options) => session.trainStep(batch, options).catch(advise(batch)),
    evalStep: (batch) => session.evalStep(batch).catch(advise(batch)),
  }
}

function explain(error: unknown, { indices, whole = indices, images: { output } }: Batch, lastGood: SavedPosition | undefined): Error {
  if (!(error instanceof TorchgraftError) || error.code !== 'ERR_OUT_OF_MEMORY') return error as Error
  const size = whole.length
  const advice = size > 1 ? `Try a batch size of ${Math.floor(size / 2)} in a new run` : 'Try smaller images, or a smaller model'
  const saved = lastGood ? ` ${describeLastGood(lastGood)}` : ''
  const message = `There is not enough memory for a batch of ${size} at ${output} px.${saved} ${advice}`
  return new TorchgraftError('ERR_OUT_OF_MEMORY', message, { cause: error })
}
