import { plural } from '../text/plural.js'
import { some } from '../text/some.js'
import type { ResolvedOptions } from '../recipes/options.js'

export interface OverfitStep {
  /** From 1. */
  readonly step: number
  /** Mean cross entropy over the batch, in nats, before the step. */
  readonly loss: number
  /** Images of the batch that are classified correctly. */
  readonly correct: number
}

export interface Verdict {
  /** Whether the model knows the batch by heart, or is far on its way there. */
  readonly learned: boolean
  /** Why, and where it has not learned, what to try. */
  readonly reasons: readonly string[]
}

export interface Circumstances {
  /** Images in the batch. */
  readonly size: number
  readonly classes: number
  /** Pairs of images of equal content under different classes. */
  readonly contradictions: readonly string[]
  readonly resolved: Pick<ResolvedOptions, 'lr' | 'freeze'>
}

/** A loss this much smaller than the first is learned: the notebook's fell to 6 % in 90 steps. */
const LEARNED = 0.1
/** Or this share of the images classified correctly. */
const KNOWN = 0.95
/** A fall by this much over the last quarter is still a fall. */
const STILL_FALLING = 0.03

/** What the losses of many steps on one batch say. Pure. */
export function judge(steps: readonly OverfitStep[], { size, classes, contradictions, resolved }: Circumstances): Verdict {
  const first = steps[0] as OverfitStep
  const last = steps.at(-1) as OverfitStep
  if (!Number.isFinite(last.loss)) {
    const advice = `lower the learning rate (${resolved.lr} now), or compute in fp32.`
    return { learned: false, reasons: [`The loss was no longer finite (NaN or infinite) at step ${last.step}: ${advice}`] }
  }
  const end = mean(steps.slice(-Math.max(1, Math.floor(steps.length / 20))))
  const known = last.correct / size
  const oneClass = classes === 1 ? ['All images of this batch are of one class, so this proves little: use a larger batch.'] : []
  const [from, to] = [first.loss.toFixed(4), end.toFixed(4)]
  const classified = `and ${last.correct} of ${plural(size, 'image')} ${last.correct === 1 ? 'is' : 'are'} classified correctly.`
  if (known >= KNOWN || end <= LEARNED * first.loss) {
    return { learned: true, reasons: [`The loss went from ${from} to ${to}, ${classified}`, ...oneClass] }
  }
  const short = `After ${plural(steps.length, 'step')} the loss is ${to}, from ${from}, ${classified}`
  return { learned: false, reasons: [short, ...causes(steps, end), ...frozen(resolved), ...contradict(contradictions), ...oneClass] }
}

function causes(steps: readonly OverfitStep[], end: number): string[] {
  const quarter = Math.max(1, Math.floor(steps.length / 4))
  const before = mean(steps.slice(-2 * quarter, -quarter))
  if (end >= (steps[0] as OverfitStep).loss) {
    return ['It did not fall at all: the learning rate is too high, or nothing in the images tells the classes apart. Try a tenth of the learning rate, and look at the images ("torchgraft preview").']
  }
  const after = mean(steps.slice(-quarter))
  if (before - after > STILL_FALLING * before) return ['It is still falling: give it more steps, or a higher learning rate.']
  return ['It has stopped falling: try another learning rate, and check that the labels are right ("torchgraft preview").']
}

function frozen({ freeze }: Circumstances['resolved']): string[] {
  return freeze === 'trunk' ? ['Only the head is trained (freeze trunk): it may be too little for this batch.'] : []
}

function contradict(pairs: readonly string[]): string[] {
  if (pairs.length === 0) return []
  return [`The same image lies under different classes, which nothing can learn: ${some(pairs, 3).join('; ')}.`]
}

function mean(steps: readonly OverfitStep[]): number {
  return steps.reduce((sum, { loss }) => sum + loss, 0) / steps.length
}
