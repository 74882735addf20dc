/** @typedef {import('../../src/index.js').RegNetVariant} RegNetVariant */
/** @typedef {{ readonly name: string, readonly model: RegNetVariant, readonly batch: number, readonly task: 'train' | 'score', readonly precision: 'bf16' | 'fp16' | 'fp32', readonly kernels: 'auto' | 'plain', readonly peers: boolean }} Row */

/** The first is the one whose first step is told of. @type {readonly Row[]} */
export const ROWS = [
  { name: '400MF, batch 128', model: 'regnet_y_400mf', batch: 128, task: 'train', precision: 'bf16', kernels: 'auto', peers: true },
  { name: '400MF, batch 32', model: 'regnet_y_400mf', batch: 32, task: 'train', precision: 'bf16', kernels: 'auto', peers: true },
  { name: '16GF, batch 64', model: 'regnet_y_16gf', batch: 64, task: 'train', precision: 'bf16', kernels: 'auto', peers: true },
  { name: '400MF, batch 128, scoring', model: 'regnet_y_400mf', batch: 128, task: 'score', precision: 'bf16', kernels: 'auto', peers: true },
  { name: '400MF, batch 128, fp16', model: 'regnet_y_400mf', batch: 128, task: 'train', precision: 'fp16', kernels: 'auto', peers: false },
  { name: '400MF, batch 128, plain', model: 'regnet_y_400mf', batch: 128, task: 'train', precision: 'bf16', kernels: 'plain', peers: false },
]

/** That try the logic on a CPU, in seconds. @type {readonly Row[]} */
export const QUICK_ROWS = [
  { name: '400MF, batch 4', model: 'regnet_y_400mf', batch: 4, task: 'train', precision: 'fp32', kernels: 'auto', peers: true },
  { name: '400MF, batch 4, scoring', model: 'regnet_y_400mf', batch: 4, task: 'score', precision: 'fp32', kernels: 'auto', peers: true },
  { name: '400MF, batch 4, plain', model: 'regnet_y_400mf', batch: 4, task: 'train', precision: 'fp32', kernels: 'plain', peers: false },
]
