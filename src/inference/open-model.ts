import { separateState } from '../runs/checkpoint-store.js'
import { isModelFile, readModelFile } from '../runs/model-file.js'
import type { ModelMetadata } from '../runs/model-metadata.js'
import { TorchgraftError } from '../errors.js'
import { contentsOf } from '../models/checkpoint-contents.js'
import { fileKind } from '../formats/file-kind.js'
import type { LazyStateDict } from '../formats/lazy-tensor.js'
import { PthFile } from '../formats/pth/pth.js'
import { readSafetensors } from '../formats/safetensors.js'
import { torchvisionNames } from '../models/state-dict-names.js'
import { Session } from '../session/session.js'
import type { ComputeOptions } from './options.js'
import { foreignMetadata } from './foreign-model.js'

export interface OpenedModel {
  readonly session: Session
  readonly metadata: ModelMetadata
  /** What was done on reading the file, for the user to know. */
  readonly notes: readonly string[]
}

/**
 * A session that holds a model file's weights, to score or predict with. A `last` file will do as well, and weights
 * that others wrote (.pth, .safetensors) with the names of their classes: images are then scaled, cropped and normalized
 * as torchvision does it.
 *
 * @throws ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED, ERR_ARGUMENT, ERR_DEVICE, ERR_PRECISION
 */
export async function openModel(file: string, options: ComputeOptions): Promise<OpenedModel> {
  const kind = await fileKind(file)
  if (kind === 'onnx') {
    const what = 'is computed by onnxruntime, which predicts and does not score: take the .safetensors file that it came from'
    throw new TorchgraftError('ERR_FILE_FORMAT', `${file} ${what}`, { path: file })
  }
  if (kind === 'pth') {
    await using opened = await PthFile.open(file)
    const { model, notes } = contentsOf(opened)
    return await openForeign(file, model, notes, options) // the file stays open until then
  }
  if (!(await isModelFile(file))) {
    const { tensors, notes } = torchvisionNames((await readSafetensors(file)).tensors)
    return openForeign(file, tensors, notes, options)
  }
  const { tensors, metadata } = await readModelFile(file)
  return { session: await fill(metadata, separateState(tensors).model, options), metadata, notes: [] }
}

async function openForeign(path: string, tensors: LazyStateDict, notes: readonly string[], options: ComputeOptions): Promise<OpenedModel> {
  const metadata = await foreignMetadata(path, tensors, options)
  return { session: await fill(metadata, tensors, options), metadata, notes }
}

/** A session with a file's weights; frozen, so that no memory goes to an optimizer's state. */
async function fill({ model, classes }: ModelMetadata, tensors: LazyStateDict, options: ComputeOptions): Promise<Session> {
  const { device, precision, threads } = options
  const session = await Session.create({
    ...(device && { device }), ...(precision && { precision }), ...(threads !== undefined && { threads }),
    model, classes: classes.length, freeze: 'trunk',
  })
  try {
    await session.loadStateDict(tensors)
    return session
  } catch (error) {
    await session.dispose()
    throw error
  }
}
