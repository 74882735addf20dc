import type { Batch } from '../../src/loader/batch.js'
import type { StateDict } from '../../src/formats/tensor.js'
import type { EvalStepResult, TrainStepResult } from '../../src/session/session.js'
import type { Trainable } from '../../src/train/fit-options.js'

export interface Script {
  /** Mean loss of each training step. */
  readonly train?: readonly number[]
  /** Mean loss of each evaluation, which is taken to be one batch. */
  readonly val?: readonly number[]
  /** Share of right answers in each evaluation. */
  readonly top1?: readonly number[]
  /** Steps, from 0, whose gradients overflow in fp16: each is told of by the step after it, and halves the scale. */
  readonly overflows?: readonly number[]
}

/** A session that answers from a script and remembers what it was asked. */
export class StandInSession implements Trainable {
  readonly model = 'regnet_y_400mf'
  readonly device = 'cpu'
  readonly precision: string
  readonly precisionReason = 'a stand-in'
  readonly lr = 0.1
  readonly steps: { readonly indices: number[]; readonly lr: number | undefined }[] = []
  readonly #script: Script
  #scored = 0

  constructor(script: Script = {}) {
    this.#script = script
    this.precision = script.overflows ? 'fp16' : 'fp32'
  }

  async trainStep(batch: Batch, options?: { readonly lr?: number }): Promise<TrainStepResult> {
    const { train, overflows = [] } = this.#script
    const step = this.steps.length
    const loss = train?.[step] ?? 1
    this.steps.push({ indices: [...batch.indices], lr: options?.lr })
    const scale = this.precision === 'fp16' ? 4 * 0.5 ** overflows.filter((other) => other < step).length : 1
    return {
      steps: 1, images: batch.size, loss: loss * batch.size, correct: batch.size, scale,
      skipped: overflows.includes(step - 1) ? 1 : 0,
    }
  }

  async evalStep(batch: Batch): Promise<EvalStepResult> {
    const loss = this.#script.val?.[this.#scored] ?? 1
    const right = Math.round((this.#script.top1?.[this.#scored] ?? 0) * batch.size)
    this.#scored++
    const logits = new Float32Array(batch.size * 2)
    for (const [i, label] of (batch.labels ?? []).entries()) logits[i * 2 + (i < right ? label : 1 - label)] = 1
    return { loss: loss * batch.size, correct: right, logits }
  }

  stateDict(): Promise<StateDict> {
    return Promise.resolve(new Map([['fc.bias', { dtype: 'float32', shape: [1], data: new Uint8Array([0, 0, 128, 63]) }]]))
  }

  trainingState(): Promise<StateDict> {
    return Promise.resolve(new Map([['optimizer.step.fc.bias', { dtype: 'float32', shape: [], data: new Uint8Array(4) }]]))
  }
}
