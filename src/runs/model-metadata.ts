import type { ResizeRule } from '../images/resize-rule.js'
import type { Rgb } from '../augment/plan.js'
import { modelError } from '../formats/file-error.js'
import { parseJson } from '../formats/parse-json.js'
import type { BestEpoch, Metrics } from '../metrics/metrics.js'
import type { OptimizerDescription } from '../session/options.js'
import { MODEL_NAMES, type ModelName } from '../models/catalogue.js'

/**
 * What a model file says of itself besides its tensors: all that predicting needs. There is no clock in it: equal runs
 * give equal files.
 */
export interface ModelMetadata {
  readonly formatVersion: 1
  readonly model: ModelName
  /** Names in the order of the head's outputs. */
  readonly classes: readonly string[]
  /** Height and width of what the model sees. */
  readonly size: number
  /** How an image is brought to that size. */
  readonly resize: ResizeRule
  readonly mean: Rgb
  readonly std: Rgb
  /** Of the validation set; `epoch` from 1. */
  readonly metrics?: Metrics & { readonly epoch: number }
  /** Where training began. */
  readonly weights?: WeightsOrigin | null
  readonly data?: { readonly fingerprint: string; readonly train: number; readonly val: number }
}

export interface WeightsOrigin {
  readonly name: string
  /** Of the weights' file. */
  readonly sha256: string
  readonly licence: string | null
}

/** All that resuming needs besides the tensors. */
export interface TrainingMetadata extends ModelMetadata {
  readonly position: Position
  /** `torch.amp.GradScaler`'s state; a scale of 1 and nothing else where there was none. */
  readonly scaler: ScalerState
  readonly optimizer?: OptimizerDescription
  /** Sums over the epoch so far. */
  readonly running: RunningSums
  readonly best: BestEpoch | null
  readonly patience: Patience | null
  /** Options that decide the numbers: those of a run that goes on must be the same. */
  readonly settings?: Readonly<Record<string, unknown>>
}

export interface ScalerState {
  readonly scale: number
  readonly growthFactor?: number | undefined
  readonly backoffFactor?: number | undefined
  readonly growthInterval?: number | undefined
  readonly growthTracker: number
}

export interface Position {
  /** Finished epochs. */
  readonly epoch: number
  /** Batches done in the epoch after those. */
  readonly step: number
  /** Optimizer steps since training began, without those that a scaler skipped: the schedule's clock. */
  readonly appliedSteps: number
  /** Images since training began. */
  readonly images: number
}

export interface RunningSums {
  readonly loss: number
  readonly correct: number
  readonly images: number
}

/** Early stopping's score: the best number so far, and the epochs since. */
export interface Patience {
  readonly best: number | null
  readonly wait: number
}

interface Parsed<Checksum> {
  readonly metadata: ModelMetadata
  /** Of the tensors. */
  readonly sha256: Checksum
}

/** The key of the safetensors metadata that holds ours, as JSON. */
export const METADATA_KEY = 'torchgraft'

/**
 * Reads the metadata of a model file, trusting nothing in it.
 *
 * @throws ERR_FILE_FORMAT, saying what is missing
 */
export function parseModelMetadata(path: string, metadata: Readonly<Record<string, string>>): Parsed<string> {
  const text = metadata[METADATA_KEY]
  if (text === undefined) throw modelError(path, 'it holds tensors, but no class names and sizes: it is not a model that torchgraft wrote')
  const { metadata: parsed, sha256 } = parseMetadata(path, text)
  if (typeof sha256 !== 'string') throw modelError(path, 'its metadata has no valid sha256')
  return { metadata: parsed, sha256 }
}

/**
 * Reads the JSON alone, with the checksum that model files have and others need not.
 *
 * @throws ERR_FILE_FORMAT, saying what is missing
 */
export function parseMetadata(path: string, text: string): Parsed<unknown> {
  const value = parseObject(path, text)
  const { formatVersion: version } = value
  if (version !== 1) throw modelError(path, `its format version is ${typeof version === 'number' ? version : 'no number'}, and this torchgraft reads version 1`)
  const { sha256, ...rest } = value
  const problems = Object.entries(CHECKS).flatMap(([key, check]) => (check(rest[key]) ? [] : [key]))
  const { size, resize } = rest as Partial<ModelMetadata>
  if (problems.length === 0 && resize?.crop !== null && resize?.crop !== size) problems.push('resize.crop')
  if (problems.length > 0) throw modelError(path, `its metadata has no valid ${problems.join(', ')}`)
  return { metadata: rest as unknown as ModelMetadata, sha256 }
}

const MODEL_KEYS = [
  'formatVersion', 'model', 'classes', 'size', 'resize', 'mean', 'std', 'metrics', 'data', 'weights',
] as const satisfies readonly (keyof ModelMetadata)[]
const TRAINING_KEYS = [
  'settings', 'position', 'running', 'optimizer', 'best', 'patience', 'scaler',
] as const satisfies readonly (keyof TrainingMetadata)[]

/** JSON whose keys come in one order, whoever collected them: equal models are equal files. */
export function serializeMetadata(metadata: ModelMetadata | TrainingMetadata, sha256: string): string {
  const known = [...MODEL_KEYS, ...TRAINING_KEYS].filter((key) => key in metadata)
  const ordered = Object.fromEntries(known.map((key) => [key, (metadata as Partial<TrainingMetadata>)[key]]))
  return JSON.stringify({ ...ordered, ...metadata, sha256 })
}

/** What a `last` file says of the model, without where its training stood. */
export function withoutTraining(metadata: ModelMetadata): ModelMetadata {
  const training = new Set<string>(TRAINING_KEYS)
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !training.has(key))) as unknown as ModelMetadata
}

/** @throws ERR_FILE_FORMAT when it is no `last` file, or not a whole one */
export function asTrainingMetadata(path: string, metadata: ModelMetadata): TrainingMetadata {
  const { position, running, scaler, best, patience } = metadata as Partial<TrainingMetadata>
  const { epoch, step, appliedSteps, images } = position ?? {}
  const numbers = [epoch, step, appliedSteps, images, running?.loss, running?.correct, running?.images, scaler?.scale]
  if (!numbers.every((number) => typeof number === 'number') || best === undefined || patience === undefined) {
    throw modelError(path, 'it is a model, but says nothing of where its training stood')
  }
  return metadata as TrainingMetadata
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isPositive = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0
const isRgb = (value: unknown): boolean => Array.isArray(value) && value.length === 3 && value.every((part) => Number.isFinite(part))
const isFlag = (value: unknown): boolean => typeof value === 'boolean'

const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  model: (value) => MODEL_NAMES.some((name) => name === value),
  classes: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
  size: (value) => isPositive(value) && (value as number) <= 8192,
  resize: isResizeRule,
  mean: isRgb,
  std: (value) => isRgb(value) && (value as number[]).every((part) => part > 0),
}

function isResizeRule(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { shorterSide, crop, antialias, pad, orient, profile } = value as Record<string, unknown>
  const sizes = [shorterSide, crop].every((size) => size === null || isPositive(size))
  return sizes && [antialias, orient, profile].every(isFlag) && (pad === null || pad === 'square')
}

function parseObject(path: string, text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (cause) {
    throw modelError(path, `its metadata is not JSON: ${(cause as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw modelError(path, 'its metadata is not an object')
  return value as Record<string, unknown>
}
