import { evalBatch } from '../loader/eval-batch.js'
import { defaultBatchSize } from './batch-size.js'
import type { ComputeOptions } from './options.js'
import { openModel } from './open-model.js'
import type { OpenedScorer, Scorer } from './scorer.js'

/** A model file on libtorch. @throws as `openModel` */
export async function openSessionScorer(file: string, options: ComputeOptions): Promise<OpenedScorer> {
  const { session, metadata, notes } = await openModel(file, options)
  const classes = metadata.classes.length
  const scorer: Scorer = {
    batchSize: defaultBatchSize(session.device, metadata.size),
    score: async (images) => {
      const { logits } = await session.evalStep(evalBatch(images, metadata))
      return images.map((_, row) => softmax(logits.subarray(row * classes, (row + 1) * classes)))
    },
    dispose: () => session.dispose(),
  }
  return { scorer, metadata, notes }
}

function softmax(logits: Float32Array): Float64Array {
  let highest = -Infinity
  for (const logit of logits) highest = Math.max(highest, logit)
  const powers = new Float64Array(logits.length)
  let sum = 0
  for (let i = 0; i < logits.length; i++) sum += powers[i] = Math.exp((logits[i] as number) - highest)
  for (let i = 0; i < powers.length; i++) powers[i] = (powers[i] as number) / sum
  return powers
}
