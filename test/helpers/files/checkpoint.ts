import type { TrainingMetadata } from '../../../src/runs/model-metadata.js'

/** What a `last` file tells, of a run so many steps into its first epoch. */
export function trainingMetadata(step: number): TrainingMetadata {
  return {
    formatVersion: 1, model: 'regnet_y_400mf', classes: ['a', 'b'], size: 32,
    resize: { shorterSide: 37, crop: 32, antialias: true, pad: null, orient: true, profile: true },
    mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2],
    position: { epoch: 0, step, appliedSteps: step, images: step }, scaler: { scale: 1, growthTracker: 0 },
    running: { loss: 0, correct: 0, images: 0 }, best: null, patience: null,
  }
}
