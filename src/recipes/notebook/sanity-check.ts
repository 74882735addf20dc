import type { ImageFolder } from '../../datasets/image-folder.js'
import type { Uint32Generator } from '../../random/mt19937.js'
import { NOTEBOOK_DRAWS } from './transforms.js'
import { skipLoaderSeed, toRandom } from '../../random/torch.js'
import { TorchgraftError } from '../../errors.js'
import type { StateDict } from '../../formats/tensor.js'
import { Session } from '../../session/session.js'
import type { SessionOptions } from '../../session/options.js'
import { plural } from '../../text/plural.js'
import { notebookTrainLoader } from './recipe.js'
import type { MeanStd, Progress, ResolvedOptions } from '../options.js'

/** `torch.optim.Adam(model.parameters(), lr=3e-4, weight_decay=.001)` */
const ADAM = { type: 'adam', lr: 3e-4, weightDecay: 1e-3 } as const

export interface SanityCheckOptions {
  readonly resolved: ResolvedOptions
  readonly session: SessionOptions
  readonly train: ImageFolder
  readonly meanStd: MeanStd
  /** The generator, as making the head left it. */
  readonly bits: Uint32Generator
  /** Loads what the run begins from. */
  readonly begin: (session: Session) => Promise<readonly string[]>
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface SanityCheck {
  /** Of the model, which has learned the batch: training goes on from here, as the notebook's does. */
  readonly state: StateDict
  readonly notes: readonly string[]
}

/**
 * The notebook's sanity check: many steps on the first batch, in fp32, with an optimizer of its own.
 *
 * @throws ERR_NOT_FINITE; `signal.reason` when aborted
 */
export async function sanityCheck({ resolved, session: options, train, meanStd, bits, begin, signal, onProgress = () => {} }: SanityCheckOptions): Promise<SanityCheck> {
  const total = resolved.sanitySteps
  await using loader = notebookTrainLoader(train, resolved, meanStd, drawsOf(bits, resolved.batchSize))
  await using session = await Session.create({ ...options, precision: 'fp32', optimizer: { ...options.optimizer, ...ADAM } })
  const notes = await begin(session)
  for await (const batch of loader.epoch(0, signal ? { signal } : {})) {
    const losses: number[] = []
    for (let done = 1; done <= total; done++) {
      const { loss, images } = await session.trainStep(batch)
      signal?.throwIfAborted()
      losses.push(loss / images)
      if (!Number.isFinite(loss)) throw new TorchgraftError('ERR_NOT_FINITE', `The sanity check's loss is no longer finite (NaN or infinite) at step ${done}: look at the images ("torchgraft stats")`)
      onProgress({ what: 'sanity check', done, total, loss: loss / images })
    }
    const told = `Sanity check, ${plural(total, 'step')} on one batch: loss ${losses[0]?.toFixed(4) ?? ''} at first, ${losses.at(-1)?.toFixed(4) ?? ''} at the end. Training goes on from there.`
    return { state: await session.stateDict(), notes: [...notes, told] }
  }
  throw new TorchgraftError('ERR_IMAGE_DECODE', 'The sanity check had no batch: none of its images can be read')
}

/** What the notebook's first batch draws where nothing is seeded anew after the head. */
function drawsOf(bits: Uint32Generator, images: number) {
  skipLoaderSeed(bits)
  const drawn = Array.from({ length: images * NOTEBOOK_DRAWS }, bits)
  return (_: number, position: number) => {
    let next = position * NOTEBOOK_DRAWS
    return toRandom(() => drawn[next++] as number)
  }
}
