/** @typedef {import('../types.d.mts').SpeedRow} SpeedRow */

const SMALL = /** @type {const} */ ({ model: 'regnet_y_400mf', batch: 128, task: 'train', precision: 'bf16', kernels: 'auto', peers: true })

/** The first is the one whose first step is told of. @type {readonly SpeedRow[]} */
export const ROWS = [
  { ...SMALL, name: '400MF, batch 128' },
  { ...SMALL, name: '400MF, batch 32', batch: 32 },
  { ...SMALL, name: '16GF, batch 64', model: 'regnet_y_16gf', batch: 64 },
  { ...SMALL, name: '400MF, batch 128, scoring', task: 'score' },
  { ...SMALL, name: '400MF, batch 128, fp16', precision: 'fp16', peers: false },
  { ...SMALL, name: '400MF, batch 128, plain', kernels: 'plain', peers: false },
]

/** That try the logic on a CPU, in seconds. @type {readonly SpeedRow[]} */
export const QUICK_ROWS = [
  { ...SMALL, name: '400MF, batch 4', batch: 4, precision: 'fp32' },
  { ...SMALL, name: '400MF, batch 4, scoring', batch: 4, task: 'score', precision: 'fp32' },
  { ...SMALL, name: '400MF, batch 4, plain', batch: 4, precision: 'fp32', kernels: 'plain', peers: false },
]
