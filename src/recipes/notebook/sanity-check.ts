import { TorchgraftError } from '../../errors.js'
import type { Uint32Generator } from '../../random/mt19937.js'
import type { Random } from '../../random/sfc32.js'
import { toRandom } from '../../random/torch.js'
import { Session } from '../../session/session.js'
import { plural } from '../../text/plural.js'
import type { BeforeTraining, PretrainedState } from '../recipe.js'
import { skipLoaderSeed } from './epoch-random.js'
import { notebookTrainLoader } from './loaders.js'
import { NOTEBOOK_DRAWS } from './transforms.js'

/** `torch.optim.Adam(model.parameters(), lr=3e-4, weight_decay=.001)` */
const ADAM = { type: 'adam', lr: 3e-4, weightDecay: 1e-3 } as const

/**
 * The notebook's sanity check: `sanitySteps` steps on the first batch, in fp32, with an optimizer of its own. Training goes on
 * from the model that has learned the batch, as the notebook's does.
 *
 * @throws ERR_NOT_FINITE; `signal.reason` when aborted
 */
export async function sanityCheck(given: BeforeTraining): Promise<PretrainedState | undefined> {
  const { options, session: sessionOptions, train, meanStd, head, begin, signal, onProgress = () => {} } = given
  const total = options.sanitySteps
  if (!head || total === 0) return undefined
  await using loader = notebookTrainLoader(train, options, meanStd, firstBatchRandom(head.bits, options.batchSize))
  await using session = await Session.create({ ...sessionOptions, precision: 'fp32', optimizer: { ...sessionOptions.optimizer, ...ADAM } })
  const notes = await begin(session)
  for await (const batch of loader.epoch(0, { signal })) {
    const losses: number[] = []
    for (let done = 1; done <= total; done++) {
      const { loss, images } = await session.trainStep(batch)
      signal?.throwIfAborted()
      losses.push(loss / images)
      if (!Number.isFinite(loss)) throw notFinite(done)
      onProgress({ what: 'sanity check', done, total, loss: loss / images })
    }
    const [first, last] = [losses[0], losses.at(-1)].map((loss) => loss?.toFixed(4) ?? '')
    const fell = `loss ${first} at first, ${last} at the end. Training goes on from there.`
    return { state: await session.stateDict(), notes: [...notes, `Sanity check, ${plural(total, 'step')} on one batch: ${fell}`] }
  }
  throw new TorchgraftError('ERR_IMAGE_DECODE', 'The sanity check had no batch: none of its images can be read')
}

function notFinite(step: number): TorchgraftError {
  const message = `The sanity check's loss is no longer finite (NaN or infinite) at step ${step}: look at the images ("torchgraft stats")`
  return new TorchgraftError('ERR_NOT_FINITE', message)
}

/** What the notebook's first batch draws where nothing is seeded anew after the head. */
function firstBatchRandom(bits: Uint32Generator, images: number): (epoch: number, position: number) => Random {
  skipLoaderSeed(bits)
  const drawn = Array.from({ length: images * NOTEBOOK_DRAWS }, bits)
  return (_, position) => {
    let next = position * NOTEBOOK_DRAWS
    return toRandom(() => drawn[next++] as number)
  }
}
