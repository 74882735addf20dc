import { runInterleaved, valuesOf } from '../harness/interleaved.mjs'
import { runProgram } from '../harness/program-run.mjs'
import { nodeProgram, pythonProgram } from '../harness/programs.mjs'
import { makeRow } from '../report/row.mjs'
import { trainedModel } from '../harness/trained-model.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Runner} Runner */

const HOW = {
  torchgraft: 'its command line',
  notebook: 'torch and torchvision imported, fp32',
  tuned: 'torch without torchvision, a frozen TorchScript, fp32',
  onnxruntime: 'onnxruntime, numpy and Pillow without torch, fp32',
}

/**
 * One photo in a new process, from its start to its end.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const predictCold = {
  names: ['predict-cold'],
  onGpu: [],
  quick: true,
  async *run(context) {
    const trained = await trainedModel(context)
    const withoutCompiling = { ...context, skip: { ...context.skip, compiled: 'a new process would have to compile first' } }
    const { samples, how, leftOut, same } = await runInterleaved(withoutCompiling, {
      title: 'predict-cold',
      task: 'predict-cold',
      params: {},
      peers: ['notebook', 'tuned', 'compiled', 'onnxruntime'],
      repeats: context.repeats(5),
      start: (name) => coldContestant(context, trained, /** @type {keyof typeof HOW} */ (name)),
    })
    const params = { batch: 1, size: trained.size, precision: context.precision, threads: context.threads }
    yield makeRow({ name: 'predict-cold', model: trained.model, unit: 's', better: 'lower', params, how, leftOut, same }, valuesOf(samples))
  },
}

/** @param {Context} context @param {Awaited<ReturnType<typeof trainedModel>>} trained @param {keyof typeof HOW} name @returns {Runner} */
function coldContestant(context, { model, classes, file, size, mean, std, items, weights, onnx, script }, name) {
  const photo = /** @type {{ path: string }} */ (items[0]).path
  const rest = [String(size), JSON.stringify(mean), JSON.stringify(std), photo]
  const programs = {
    torchgraft: () => nodeProgram(context, '../scripts/torchgraft.mjs', ['predict', file, photo, '--json', '--top-k', '1']),
    notebook: () => {
      const args = [weights, model, String(classes.length), ...rest]
      return pythonProgram(context, 'notebook', ['-m', 'bench.peers.cold_notebook', ...args])
    },
    tuned: () => pythonProgram(context, 'tuned', ['-m', 'bench.peers.cold_tuned', script, ...rest]),
    onnxruntime: () => pythonProgram(context, 'onnxruntime', ['-m', 'bench.peers.cold_onnxruntime', onnx, ...rest]),
  }
  const program = programs[name]()
  return {
    async begin() {
      const { lines } = await runProgram(program) // its files are in the system's memory now
      const label = name === 'torchgraft' ? classes.indexOf(JSON.parse(lines.join(''))[0].predictions[0].label) : Number(lines.at(-1))
      return { how: HOW[name], precision: name === 'torchgraft' ? context.precision : 'fp32', images: 1, labels: [label] }
    },
    async run() {
      return { value: (await runProgram(program)).seconds }
    },
    async close() {},
  }
}
