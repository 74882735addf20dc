/** @typedef {import('../types.d.mts').SpeedRow} SpeedRow */
/** @typedef {import('../types.d.mts').SpeedSizes} SpeedSizes */

const STEP = /** @type {const} */ ({ task: 'train-step', model: 'regnet_y_400mf', precision: 'bf16', peers: true, lr: 1e-4, steps: 24 })
/** What is to be reached, in images a second: 400MF at batches of 128 and of 32, 16GF at 64, scoring at 128. */
const REACH = {
  128: { bar: 11_700, aim: 14_000 },
  32: { bar: 5000, aim: 8000 },
  16: { bar: 1400, aim: 1650 },
  scoring: { bar: 20_000, aim: 30_000 },
}

/**
 * What is measured, in its order; bars and aims were set on an H200. The first row is the one whose first step is told of.
 *
 * @type {readonly SpeedRow[]}
 */
export const ROWS = [
  { ...STEP, name: '400MF, batch 128', batch: 128, ...REACH[128] },
  { ...STEP, name: '400MF, batch 32', batch: 32, ...REACH[32] },
  { ...STEP, name: '16GF, batch 64', model: 'regnet_y_16gf', batch: 64, lr: 1e-6, steps: 12, ...REACH[16] },
  { ...STEP, name: 'scoring, batch 128', task: 'score-step', batch: 128, ...REACH.scoring },
  { ...STEP, name: 'scoring, one ahead', task: 'score-step', batch: 128, ahead: true, peers: false, ...REACH.scoring },
  { ...STEP, name: '400MF, batch 128, fp16', batch: 128, precision: 'fp16', peers: false, ...REACH[128] },
  { ...STEP, name: '400MF, batch 32, fp16', batch: 32, precision: 'fp16', peers: false, ...REACH[32] },
  { ...STEP, name: '400MF, batch 128, plain', batch: 128, kernels: 'plain', peers: false },
]

const QUICK = /** @type {const} */ ({ ...STEP, batch: 8, precision: 'fp32', lr: 1e-5, steps: 2 })

/** That try the logic on a CPU, in seconds. @type {readonly SpeedRow[]} */
export const QUICK_ROWS = [
  { ...QUICK, name: '400MF, batch 8', bar: 5, aim: 10_000 },
  { ...QUICK, name: 'scoring, batch 8', task: 'score-step' },
  { ...QUICK, name: 'scoring, one ahead', task: 'score-step', ahead: true, peers: false },
  { ...QUICK, name: '400MF, batch 8, plain', kernels: 'plain', peers: false },
]

/** Stored images are larger than what is trained on: torchgraft uploads and crops them in each step. @type {SpeedSizes} */
const SIZES = { size: 224, source: 320, repeats: 4 }
/** Beside other work one thread is the fastest. @type {SpeedSizes} */
const QUICK_SIZES = { size: 64, source: 80, repeats: 2, threads: 1 }

/** @param {boolean} quick */
export const rowsOf = (quick) => (quick ? QUICK_ROWS : ROWS)

/** @param {boolean} quick @returns {SpeedSizes} */
export const sizesOf = (quick) => (quick ? QUICK_SIZES : SIZES)
