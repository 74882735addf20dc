import { eventLoop } from '../measures/event-loop.mjs'
import { job, memory } from '../measures/job.mjs'
import { load } from '../measures/load.mjs'
import { outsideStep } from '../measures/outside-step.mjs'
import { predictCold } from '../measures/predict-cold.mjs'
import { predict } from '../measures/predict.mjs'
import { scale } from '../measures/scale.mjs'
import { scaleRanks } from '../measures/scale-ranks.mjs'
import { scoreStep } from '../measures/score-step.mjs'
import { timeToAccuracy } from '../measures/time-to-accuracy.mjs'
import { trainStep } from '../measures/train-step.mjs'

/** In the order in which they run. @type {readonly import('../types.d.mts').Measure[]} */
export const MEASURES = [
  trainStep, scoreStep, load, job, timeToAccuracy, predict, predictCold, memory, eventLoop,
  outsideStep, scale, scaleRanks,
]
