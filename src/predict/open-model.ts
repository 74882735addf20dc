import { separateState } from '../checkpoints/checkpoint-store.js'
import { readModelFile } from '../checkpoints/model-file.js'
import type { ModelMetadata } from '../checkpoints/model-metadata.js'
import { integer } from '../arguments.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { contentsOf } from '../formats/checkpoint-contents.js'
import type { LazyStateDict } from '../formats/lazy-tensor.js'
import { isPth, PthFile } from '../formats/pth.js'
import { setUpAtFirstUse } from '../native/first-use.js'
import { loadAddon } from '../native/load-addon.js'
import { Session } from '../native/session.js'
import type { SessionOptions } from '../native/session-options.js'
import { compareState } from '../native/state-layout.js'
import { REGNET_VARIANTS, type RegNetVariant } from '../native/variants.js'

export interface ComputeOptions extends Pick<SessionOptions, 'device' | 'precision' | 'threads'> {
  /** Names of a .pth file's outputs, in their order: such a file tells none. Of a model file of ours they are known. */
  readonly classes?: readonly string[]
  /** Height and width of what a .pth file's model sees. @default 224 */
  readonly size?: number
}

export interface OpenedModel {
  readonly session: Session
  readonly metadata: ModelMetadata
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const
/** torchvision scores its pictures at 224 of 256. */
const SHORTER_SIDE = 256 / 224

/**
 * A session that holds a model file's weights, to score or predict with. A `last` file will do as well, and a .pth file of
 * PyTorch with the names of its classes: its pictures are scaled, cropped and normalized as torchvision's are.
 *
 * @throws ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED, ERR_ARGUMENT, ERR_DEVICE, ERR_PRECISION
 */
export async function openModel(file: string, options: ComputeOptions): Promise<OpenedModel> {
  if (isPth(file)) return openPth(file, options)
  const { tensors, metadata } = await readModelFile(file)
  return { session: await fill(metadata, separateState(tensors).model, options), metadata }
}

async function openPth(path: string, options: ComputeOptions): Promise<OpenedModel> {
  await using file = await PthFile.open(path)
  const { model: tensors } = contentsOf(file)
  const outputs = tensors.get('fc.bias')?.shape[0] ?? 0
  const model = await recognize(tensors, outputs, path)
  const { classes } = options
  if (!classes) throw argumentError(`the names of its ${outputs} classes, which ${path} does not tell (--classes FILE: a line each, in the order of its outputs),`, 'classes', classes)
  if (classes.length !== outputs) throw argumentError(`${outputs} names, one for each output of ${path},`, 'classes', `${classes.length} of them`)
  const size = integer(options.size ?? 224, 'size', { min: 32, max: 2048 })
  const resize = { shorterSide: Math.round(size * SHORTER_SIDE), crop: size, antialias: true, pad: null, orient: true, profile: true }
  const metadata: ModelMetadata = { formatVersion: 1, model, classes, size, resize, ...IMAGENET }
  return { session: await fill(metadata, tensors, options), metadata }
}

/** The variant whose names and shapes these are. */
async function recognize(tensors: LazyStateDict, outputs: number, path: string): Promise<RegNetVariant> {
  await setUpAtFirstUse()
  const binding = loadAddon()
  const found = REGNET_VARIANTS.find((variant) => {
    const { missing, unexpected, mismatched } = compareState(binding.describe(variant, Math.max(1, outputs)), tensors)
    return missing.length + unexpected.length + mismatched.length === 0
  })
  if (found) return found
  throw new TorchgraftError('ERR_STATE_DICT_MISMATCH', `${path} holds ${tensors.size} tensors that are not those of any RegNet of torchvision`, { path })
}

/** Frozen, so that no memory goes to an optimizer's state. */
async function fill({ model, classes }: ModelMetadata, tensors: LazyStateDict, { device, precision, threads }: ComputeOptions): Promise<Session> {
  const session = await Session.create({ ...(device && { device }), ...(precision && { precision }), ...(threads !== undefined && { threads }), model, classes: classes.length, freeze: 'trunk' })
  try {
    await session.loadStateDict(tensors)
    return session
  } catch (error) {
    await session.dispose()
    throw error
  }
}
