import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { runCommand } from '../../scripts/setup/run-command.mjs'
import { startWeights } from './inputs.mjs'
import { pythonProgram } from './programs.mjs'
import { torchgraft } from '../torchgraft/library.mjs'

/** @typedef {import('../types.d.mts').Context} Context */

const MODEL = /** @type {const} */ ('regnet_y_400mf')
/** Enough to be sure of most images, so that predicted labels can be compared. */
const EPOCHS = 2

/**
 * A model to predict with, in the files of each runner. Made at the first run with these images, and kept.
 *
 * @param {Context} context
 */
export async function trainedModel(context) {
  const images = await torchgraft.ImageFolder.open(context.data, { within: context.folders })
  const { classes } = images
  const hash = createHash('sha256').update(JSON.stringify([classes, images.items.map((item) => [item.hash, item.label])])).digest('hex').slice(0, 12)
  const folder = join(context.kept, `model-${hash}`)
  if (!existsSync(folder)) await make(context, folder, classes)
  const file = join(folder, 'best.safetensors')
  const classifier = await torchgraft.Classifier.open(file)
  const { size, mean, std } = classifier.metadata
  await classifier.dispose()
  const items = images.items.map(({ path, label }) => ({ name: path, path: resolve(images.root, path), label }))
  const weights = join(folder, 'model.pth')
  const onnx = join(folder, 'model.onnx')
  const script = join(folder, 'model.torchscript')
  return { model: MODEL, classes, file, size, mean, std, items, weights, onnx, script }
}

/** @param {Context} context @param {string} folder @param {readonly string[]} classes */
async function make(context, folder, classes) {
  const { data, temporary, precision, threads, device, kept, tell } = context
  tell(`The first bench with these images trains a model to predict with, ${EPOCHS} epochs, and keeps it …`)
  const began = performance.now()
  const run = join(temporary, 'trained')
  const weights = await startWeights(context, MODEL, classes.length)
  await torchgraft.train({ recipe: 'notebook', data, output: run, model: MODEL, weights, epochs: EPOCHS, batchSize: 32, memoryFormat: 'channels_last', precision, threads, device })
  const made = `${folder}.new`
  await rm(made, { recursive: true, force: true })
  await mkdir(made)
  await rename(join(run, 'best.safetensors'), join(made, 'best.safetensors'))
  await torchgraft.exportModel({ model: join(made, 'best.safetensors'), format: 'pth', output: join(made, 'model.pth') })
  const toExport = [join(made, 'model.pth'), MODEL, String(classes.length), made]
  const { command, args, env, cwd } = pythonProgram({ ...context, device: 'cpu' }, 'notebook', ['-m', 'bench.peers.export', ...toExport])
  await runCommand(command, args, { cwd, env, log: join(kept, 'export.log') })
  await rename(made, folder)
  tell(`Trained and exported in ${Math.round((performance.now() - began) / 1000)} s.`)
}
