// Counts, without a GPU, what a training step in bf16 with channels_last moves, multiplies and launches on one, by libtorch's
// operators and by our kernels, and how long that takes. What is counted how stands beside it: passes over an activation.
//   node bench/by-hand/gpu-floor.mjs [MODEL BATCH]…

/** @typedef {{ op: string, name: string, inputs: string[], weight?: string, kernel?: number, stride?: number, type?: string }} Node */
/** @typedef {{ bytes: number, launches: number, ms: number }} Work */

const { loadAddon } = await import(new URL('../../dist/addon/load.js', import.meta.url).href)

/** An H200: bytes a second as measured, operations a second in bf16. */
const MEMORY = 4.3e12
const ARITHMETIC = 780e12
/**
 * Of measured steps, not of theory: what convolutions reach of the arithmetic, in groups by how much of a tile of so many channels a
 * group fills; and what each launch in a graph adds, in seconds. With both, three steps measured on an H200 come out within 16 %.
 */
const SHARE = 0.2
const TILE = 128
const LAUNCH = 4.5e-6
const SIDE = 224
const ELEMENT = 2

/** Passes over an activation, read or written, and launches: forward and backward together. A mask is 1 bit of 16. */
const PASSES = {
  before: {
    norm: { passes: 3 + 5, launches: 3 }, // statistics, apply: 2 reads, 1 write; sums, gradient: 4 reads, 1 write; a counter
    relu: { passes: 2 + 3, launches: 2 }, // in place; its gradient from its output
    add: { passes: 3 + 3, launches: 2 }, // the residual; the sum of the gradients of two readers
    excitation: { passes: 3 + 10, launches: 12 + 17 }, // mean, product; product's two gradients (6), mean's (1), their sum (3); fc, casts
  },
  after: {
    norm: { passes: 3 + 5, launches: 3 + 3 },
    relu: { passes: 0, launches: 0 },
    add: { passes: 1 + 1 / 16 + 2 + 1 / 16, launches: 0 }, // the residual and its mask; the second reader's gradient, and the residual's
    excitation: { passes: 3 + 4, launches: 7 + 10 },
  },
}

/** Adam: three numbers read and written, a gradient read; a cast of the weight and of its gradient. */
const BYTES_PER_PARAMETER = 7 * 4 + 2 * (4 + 2)
/** As many tensors, and blocks of so many numbers, as at::_foreach_copy_ launches at once; newer libtorch of CUDA 13: 7 times that. */
const CAST_TOGETHER = { tensors: 64, blocks: 320, numbers: 65_536 }
/** Rendering, the loss and its sums, the head, Adam. */
const LAUNCHES_OF_THE_REST = 40

const words = process.argv.slice(2)
const RUNS = words.length > 0
  ? words.filter((_, i) => i % 2 === 0).map((model, i) => ({ model, batch: Number(words[2 * i + 1]) }))
  : [{ model: 'regnet_y_400mf', batch: 128 }, { model: 'regnet_y_400mf', batch: 32 }, { model: 'regnet_y_16gf', batch: 64 }]

/** @param {number} bytes @param {number} launches @param {number} [seconds] of arithmetic @returns {Work} */
const work = (bytes, launches, seconds = 0) => ({ bytes, launches, ms: (Math.max(bytes / MEMORY, seconds) + launches * LAUNCH) * 1e3 })

/** @param {string} model @param {number} batch @param {'before' | 'after'} when */
function count(model, batch, when) {
  /** @type {{ graph: Node[], tensors: { name: string, shape: number[] }[] }} */
  const { graph, tensors } = loadAddon().describe(model, 1000)
  const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]))
  /** @type {Map<string, { channels: number, side: number }>} */
  const outputs = new Map([['input', { channels: 3, side: SIDE }]])
  /** @type {Record<string, Work>} */
  const rows = {}
  /** @param {string} row @param {Work} more */
  const add = (row, { bytes, launches, ms }) => {
    const sum = (rows[row] ??= { bytes: 0, launches: 0, ms: 0 })
    Object.assign(sum, { bytes: sum.bytes + bytes, launches: sum.launches + launches, ms: sum.ms + ms })
  }
  for (const { op, name, inputs, weight, stride = 1, type } of graph) {
    const x = outputs.get(inputs[0] ?? '') ?? { channels: 0, side: 0 }
    const shape = shapes.get(weight ?? '') ?? []
    const y = op === 'conv' ? { channels: shape[0] ?? 0, side: Math.ceil(x.side / stride) }
      : op === 'global-avg-pool' ? { ...x, side: 1 } : x
    outputs.set(name, y)
    const [read, written] = [batch * x.channels * x.side ** 2 * ELEMENT, batch * y.channels * y.side ** 2 * ELEMENT]
    const passes = (/** @type {keyof typeof PASSES.after} */ kind) => {
      const { passes, launches } = PASSES[when][kind]
      return work(passes * written, launches)
    }
    if (op === 'conv' && x.side > 1) {
      const weights = shape.reduce((product, size) => product * size, 1)
      const filled = shape[1] === x.channels ? 1 : Math.min(1, (shape[1] ?? 0) / TILE)
      const seconds = 2 * batch * y.side ** 2 * weights / (ARITHMETIC * SHARE * filled)
      const all = read + written + weights * ELEMENT
      add('conv: forward', work(all, 1, seconds))
      if (inputs[0] !== 'input') add('conv: data gradient', work(all, 1, seconds))
      add('conv: weight gradient', work(all, 1, seconds))
    } else if (op === 'batch-norm') add('norm, ReLU, sum', passes('norm'))
    else if (op === 'activation' && type === 'relu' && x.side > 1) add('norm, ReLU, sum', passes('relu'))
    else if (op === 'add') add('norm, ReLU, sum', passes('add'))
    else if (op === 'mul') add('squeeze-and-excitation', passes('excitation'))
  }
  const parameters = [...shapes.entries()].filter(([name]) => !name.includes('running') && !name.includes('num_batches'))
  const numbers = parameters.reduce((sum, [, shape]) => sum + shape.reduce((product, size) => product * size, 1), 0)
  const cast = parameters.filter(([name, shape]) => shape.length > 1 && !name.includes('.se.')).map(([, shape]) => shape)
  const casts = 2 * (when === 'before' ? cast.length : launchesTogether(cast))
  add('weights, and the rest', work(numbers * BYTES_PER_PARAMETER, casts + LAUNCHES_OF_THE_REST))
  return rows
}

/** @param {number[][]} shapes */
function launchesTogether(shapes) {
  const { tensors, blocks, numbers } = CAST_TOGETHER
  const counts = shapes.map((shape) => Math.ceil(shape.reduce((product, size) => product * size, 1) / numbers))
  return Math.ceil(Math.max(shapes.length / tensors, counts.reduce((sum, count) => sum + count) / blocks))
}

/** @param {(string | number)[]} cells */
const line = (cells) => cells.map((cell, i) => (i === 0 ? String(cell).padEnd(24) : String(cell).padStart(12))).join('')

for (const { model, batch } of RUNS) {
  const [before, after] = [count(model, batch, 'before'), count(model, batch, 'after')]
  console.log(`${model}, batch ${batch}, ${SIDE} px, bf16`)
  console.log(line(['', 'GB before', 'after', 'launches', 'after', 'ms before', 'after']))
  const total = { before: work(0, 0), after: work(0, 0) }
  for (const name of Object.keys(after)) {
    const pair = [before[name] ?? work(0, 0), after[name] ?? work(0, 0)]
    for (const [i, sum] of [total.before, total.after].entries()) {
      const { bytes, launches, ms } = pair[i] ?? work(0, 0)
      Object.assign(sum, { bytes: sum.bytes + bytes, launches: sum.launches + launches, ms: sum.ms + ms })
    }
    console.log(line([name, ...cells(pair)]))
  }
  console.log(line(['step', ...cells([total.before, total.after])]))
  console.log(line(['images/s', '', '', '', '', ...[total.before, total.after].map(({ ms }) => Math.round(batch / ms * 1e3))]) + '\n')
}

/** @param {Work[]} pair */
function cells(pair) {
  /** @param {(work: Work) => number | string} of */
  const both = (of) => pair.map((work) => of(work))
  return [...both(({ bytes }) => (bytes / 1e9).toFixed(2)), ...both(({ launches }) => launches), ...both(({ ms }) => ms.toFixed(2))]
}
