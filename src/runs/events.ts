import type { TorchgraftErrorCode } from '../errors.js'
import type { Metrics } from '../metrics/metrics.js'
import type { ModelName } from '../models/catalogue.js'

export type StopReason = 'completed' | 'early-stopping' | 'aborted'

/** What happens in training, in order. Epochs and steps count from 1; `step` is within its epoch. */
export type TrainingEvent =
  | StartEvent
  | StepEvent
  | { readonly type: 'step-skipped'; readonly epoch: number; readonly step: number; readonly scale: number }
  /** Its loss is not finite. `images` are names in the data set: all of its batch. */
  | { readonly type: 'not-finite'; readonly epoch: number; readonly step: number; readonly images: readonly string[] }
  | { readonly type: 'image-skipped'; readonly path: string; readonly code: TorchgraftErrorCode; readonly message: string }
  | EpochEvent
  /** Why the device is slower than it could be, where that was found after the start. */
  | { readonly type: 'note'; readonly note: string }
  /**
   * A file is on disk: the state after so many epochs and so many steps of the next. The event comes when the file is
   * written, while training goes on.
   */
  | { readonly type: 'checkpoint'; readonly epoch: number; readonly step: number; readonly file: string; readonly bytes: number }
  /** Events of later positions, which came before this one, come again. `finished`: no step is left to do. */
  | { readonly type: 'resume'; readonly epoch: number; readonly step: number; readonly from: string; readonly finished: boolean }
  | StopEvent

export interface StartEvent {
  readonly type: 'start'
  readonly device: string
  readonly precision: string
  /** Why this device and precision. */
  readonly precisionReason: string
  readonly model: ModelName
  readonly weights: string | null
  /** Images. */
  readonly train: number
  readonly val: number
  readonly epochs: number
  /** Steps an epoch. */
  readonly steps: number
  /** Height and width of images from an epoch on, where they grow. */
  readonly sizes?: readonly SizeStep[]
  /** The run folder, where there is one. */
  readonly output?: string
  /** What the user should know before it begins, such as the weights' terms. */
  readonly notes: readonly string[]
}

export interface SizeStep {
  /** The first epoch of this size, from 1. */
  readonly from: number
  /** Height and width in pixels. */
  readonly size: number
}

export interface StepEvent {
  readonly type: 'step'
  readonly epoch: number
  readonly step: number
  /** Mean over the images of this step. */
  readonly loss: number
  readonly lr: number
  /** The loss scale: 1 without a scaler. */
  readonly scale: number
  readonly imagesPerSecond: number
}

export interface EpochEvent {
  readonly type: 'epoch'
  readonly epoch: number
  readonly train: Omit<Metrics, 'count'>
  readonly val: Metrics
  readonly improved: boolean
  readonly seconds: number
}

export interface StopEvent {
  readonly type: 'stop'
  readonly reason: StopReason
  /** Epochs trained and scored, those before a resume included. */
  readonly epochs: number
  readonly best?: { readonly epoch: number; readonly metrics: Metrics }
}
