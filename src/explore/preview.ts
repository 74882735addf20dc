import { lstat } from 'node:fs/promises'
import { extname } from 'node:path'
import type { SkippedImage } from '../loader/data-loader.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { type Check, checkFields, type Fields, integerField } from '../options/checks.js'
import { writeFileWhole } from '../formats/files/write-file.js'
import { aPath, local, type LocalPath, toPath } from '../options/local-path.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { renderBatch } from '../session/render-batch.js'
import { DATA, trainFields } from '../train/options/checks.js'
import type { TrainOptions } from '../recipes/options.js'
import { resolveOptions } from '../train/options/resolve.js'
import { openTraining } from '../train/open-training.js'
import { contactSheet, layOut, type SheetImage, toTile } from './contact-sheet.js'

const SHARED = ['recipe', 'val', 'seed', 'size', 'followLinks', 'signal'] as const satisfies readonly (keyof TrainOptions)[]

/** As of training, whose images these are. */
export interface PreviewOptions extends Pick<TrainOptions, (typeof SHARED)[number]> {
  /** A folder with a folder for each class, or one with `train/` and `val/` of those inside. */
  readonly data: LocalPath
  /** The PNG file to write, where there is none yet. @default 'preview.png' */
  readonly output?: LocalPath
  /** Images on the sheet: 1 to 400; fewer where there are fewer. @default 24 */
  readonly count?: number
  /** Whose images: each epoch draws anew. From 1. @default 1 */
  readonly epoch?: number
}

export interface Preview {
  readonly file: string
  /** Row by row; paths are relative to the data folder. */
  readonly images: readonly { readonly path: string; readonly label: string }[]
  /** Images in a row. */
  readonly columns: number
  /** Whether labels are on the sheet: a system without fonts draws none. */
  readonly labelled: boolean
  /** Broken images that training would leave out here, too. */
  readonly skipped: readonly SkippedImage[]
  /** What is odd about the folders and classes, in words. */
  readonly notes: readonly string[]
}

const MOST_IMAGES = 400

const ENDS_IN_PNG = 'a file name that ends in .png'
const PNG_FILE = aPath(ENDS_IN_PNG)
const pngFile: Check = (value, name) => {
  PNG_FILE(value, name)
  if (extname(toPath(value as LocalPath)).toLowerCase() !== '.png') throw argumentError(ENDS_IN_PNG, name, value)
}
const FIELDS: Fields<PreviewOptions> = {
  ...trainFields(...SHARED), data: DATA, output: pngFile,
  count: integerField({ min: 1, max: MOST_IMAGES }), epoch: integerField({ min: 1, max: 100_000 }),
}

/**
 * Draws the images that the first batches of an epoch hold, in their order, as a run would augment them, on one sheet.
 *
 * @throws ERR_WRITE where `output` is there already: it is never replaced; ERR_ARGUMENT, ERR_DATA_EMPTY, ERR_DATA_CLASSES;
 * `signal.reason` when aborted
 */
export async function preview(given: PreviewOptions): Promise<Preview> {
  checkFields<PreviewOptions>(given, FIELDS, 'preview')
  const { data, output = 'preview.png', count = 24, epoch = 1, signal, ...options } = local(given)
  // Which images an epoch holds, and the random numbers of each, depend neither on the batch size nor on the size in a
  // batch; one by one they take little memory.
  const resolved = { ...resolveOptions({ ...options, weights: null }), batchSize: 1, progressiveResizing: false }
  await refuseExisting(output)
  await setUpAtFirstUse()
  const { recipe, sets } = await openTraining(data, resolved, signal)
  const layout = layOut(Math.min(count, sets.train.length), resolved.size)
  await using loaders = recipe.loaders(resolved, sets, { mean: [0, 0, 0], std: [1, 1, 1] })

  const images: (SheetImage & { readonly path: string })[] = []
  for await (const batch of loaders.train.epoch(epoch - 1, { signal })) {
    const { path, label } = sets.train.items[batch.indices[0] ?? 0]!
    const tile = await toTile(await renderBatch(batch), resolved.size, layout.tile)
    images.push({ path, label: sets.classes[label] ?? String(label), tile })
    if (images.length === count) break
  }
  const { skipped } = loaders.train
  if (images.length === 0) throw new TorchgraftError('ERR_DATA_EMPTY', `No training image in ${data} can be read (${skipped.length} tried): "torchgraft stats" says why for each`, { path: data })
  const { png, labelled } = await contactSheet(images, layout)
  await refuseExisting(output) // it may have come meanwhile
  await writeFileWhole(output, [png])
  const shown = images.map(({ path, label }) => ({ path, label }))
  return { file: output, images: shown, columns: layout.columns, labelled, skipped, notes: sets.notes }
}

/** A sheet is made again in seconds; what is there already, perhaps an image of the data, is not. */
async function refuseExisting(path: string): Promise<void> {
  const exists = await lstat(path).then(() => true, () => false)
  if (exists) throw new TorchgraftError('ERR_WRITE', (option) => `${path} exists, and is not replaced: remove it, or choose another ${option('output')}`, { path })
}
