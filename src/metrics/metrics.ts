/** How well a set of images was classified. */
export interface Metrics {
  /** Mean cross entropy, in nats. */
  readonly loss: number
  /** Share whose most probable class is the right one: a fraction of 1. */
  readonly top1: number
  readonly count: number
}

/** A number to watch: it decides the best epoch, and when to stop early. */
export type Monitor = `${'train' | 'val'}/${'loss' | 'top1'}`
export const MONITORS: readonly Monitor[] = ['val/top1', 'val/loss', 'train/top1', 'train/loss']

export interface EpochMetrics {
  readonly train: Omit<Metrics, 'count'>
  readonly val: Omit<Metrics, 'count'>
}

export interface BestEpoch {
  /** From 1. */
  readonly epoch: number
  /** Of the validation set. */
  readonly metrics: Metrics
  /** The monitored number. */
  readonly value: number
}

export function monitored(monitor: Monitor, { train, val }: EpochMetrics): number {
  const { loss, top1 } = monitor.startsWith('train/') ? train : val
  return monitor.endsWith('/loss') ? loss : top1
}

/** Whether lower or higher is better. */
export function monitorMode(monitor: Monitor): 'min' | 'max' {
  return monitor.endsWith('/loss') ? 'min' : 'max'
}
