import { separateState } from '../checkpoints/checkpoint-store.js'
import { readModelFile } from '../checkpoints/model-file.js'
import type { ModelMetadata } from '../checkpoints/model-metadata.js'
import { Session } from '../native/session.js'
import type { SessionOptions } from '../native/session-options.js'

export type ComputeOptions = Pick<SessionOptions, 'device' | 'precision' | 'threads'>

/**
 * A session that holds a model file's weights, to score or predict with. A `last` file will do as well.
 *
 * @throws ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_DEVICE, ERR_PRECISION
 */
export async function openModel(file: string, options: ComputeOptions): Promise<{ readonly session: Session; readonly metadata: ModelMetadata }> {
  const { tensors, metadata } = await readModelFile(file)
  // Frozen, so that no memory goes to an optimizer's state.
  const session = await Session.create({ ...options, model: metadata.model, classes: metadata.classes.length, freeze: 'trunk' })
  try {
    await session.loadStateDict(separateState(tensors).model)
  } catch (error) {
    await session.dispose()
    throw error
  }
  return { session, metadata }
}
