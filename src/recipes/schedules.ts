import { checkFields, type Fields, required, numberField, integerField } from '../options/checks.js'

/** Learning rate of an applied step, counted from 0. Pure. */
export type Schedule = (step: number) => number

/** @param lr 0 or more */
export function constant(lr: number): Schedule {
  LR(lr, 'lr')
  return () => lr
}

const LR = numberField({ min: 0 })

export interface WarmupCosineOptions {
  /** The highest learning rate. */
  readonly lr: number
  /** Of the whole training, warm-up included. */
  readonly steps: number
  /** Steps of linear warm-up: the first has lr / warmup. @default 0 */
  readonly warmup?: number
  /** Where the cosine ends. @default 0 */
  readonly min?: number
}

const FIELDS: Fields<WarmupCosineOptions> = {
  lr: required(LR), steps: required(integerField({ min: 1 })), warmup: integerField({ min: 0 }), min: numberField({ min: 0 }),
}

/** Linear warm-up, then half a cosine down to `min` (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts). */
export function warmupCosine(options: WarmupCosineOptions): Schedule {
  checkFields<WarmupCosineOptions>(options, FIELDS, 'warmupCosine')
  const { lr, steps, warmup = 0, min = 0 } = options
  return (step) => {
    if (step < warmup) return (lr * (step + 1)) / warmup
    const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup))
    return min + ((lr - min) * (1 + Math.cos(Math.PI * progress))) / 2
  }
}
