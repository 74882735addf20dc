import { load } from './measures/load.mjs'
import { trainStep } from './measures/train-step.mjs'

/** In the order in which they run. @type {readonly import('./types.d.mts').Measure[]} */
export const MEASURES = [trainStep, load]
