import { availableParallelism } from 'node:os'
import { abortable } from '../loader/abortable.js'
import type { Contradiction } from '../datasets/contradictions.js'
import { decodeImage, reasonOf } from '../images/decode.js'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'
import type { ImageFolder } from '../datasets/image-folder.js'
import type { SkippedFile } from '../datasets/skipped-file.js'
import { compareCodePoints } from '../text/code-points.js'
import type { PassedOver } from '../datasets/passed-over.js'
import type { TrainVal } from '../datasets/describe-splits.js'
import { duplicateNotes } from '../datasets/split-notes.js'
import type { Rgb } from '../augment/plan.js'
import { TorchgraftError } from '../errors.js'
import { callback, checkFields, type Fields } from '../options/checks.js'
import { local, type LocalPath } from '../options/local-path.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { DATA, trainFields } from '../train/options/checks.js'
import type { TrainOptions } from '../recipes/options.js'
import { resolveOptions } from '../train/options/resolve.js'
import { openTraining } from '../train/open-training.js'
import { RECIPE_OF } from '../recipes/by-name.js'
import { ImageStatistics } from './pixel-statistics.js'

const SHARED = ['recipe', 'val', 'seed', 'size', 'followLinks', 'signal'] as const satisfies readonly (keyof TrainOptions)[]

/** As of training, whose sets these are. `size` is of the notebook's recipe only: what its images are stretched to. */
export interface DataStatisticsOptions extends Pick<TrainOptions, (typeof SHARED)[number]> {
  /** A folder with a folder for each class, or one with `train/` and `val/` of those inside. */
  readonly data: LocalPath
  /** Called after each image. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
}

const FIELDS: Fields<DataStatisticsOptions> = { ...trainFields(...SHARED), data: DATA, onProgress: callback }

export interface DataStatistics {
  /** Images that can be read, in the order of the labels; 0 and 0 of a class that has none. */
  readonly classes: readonly ClassCount[]
  /** Images that can be read. */
  readonly count: number
  /** Images of the largest class, both sets together, over those of the smallest; null where that has none. */
  readonly imbalance: number | null
  /** Of all images that can be read, turned upright where the recipe does so. */
  readonly sizes: { readonly width: Spread; readonly height: Spread }
  /** Files that are no images to train on, sorted by path, relative to the data folder. */
  readonly faults: readonly SkippedFile[]
  /** Files and folders that are no images by their names, counted. */
  readonly passedOver: PassedOver
  /** Images that lie under several labels. */
  readonly contradictions: readonly Contradiction[]
  /** What is odd about the folders and classes, in words: of the above, too. */
  readonly notes: readonly string[]
  /** Of the training set's pixels in 0–1. */
  readonly mean: Rgb
  readonly std: Rgb
}

export interface ClassCount {
  readonly label: string
  readonly train: number
  readonly val: number
}

export type Spread = readonly [min: number, median: number, max: number]

/**
 * Tells what is in a folder of images, decoding each once, a few at a time.
 *
 * In the default recipe every training image counts alike, whole, upright and in sRGB. In the notebook's, mean and standard
 * deviation are those that a run computes with its batches of 64, or of all training images where there are fewer.
 *
 * @throws ERR_ARGUMENT, ERR_DATA_EMPTY, ERR_DATA_CLASSES; `signal.reason` when aborted
 */
export async function dataStatistics(given: DataStatisticsOptions): Promise<DataStatistics> {
  checkFields<DataStatisticsOptions>(given, FIELDS, 'dataStatistics')
  const { data, signal, onProgress, ...options } = local(given)
  const resolved = resolveOptions({ ...options, weights: null })
  if (RECIPE_OF[resolved.recipe].pixelStatistics) await setUpAtFirstUse() // a recipe without computes nothing on libtorch
  const { recipe, sets } = await openTraining(data, resolved, signal)
  const pixels = recipe.pixelStatistics?.(resolved, sets.train.length) ?? new ImageStatistics()
  const train = new Tally(sets.classes)
  const val = new Tally(sets.classes)
  const total = sets.train.length + sets.val.length
  let done = 0
  for (const [folder, tally] of [[sets.train, train], [sets.val, val]] as const) {
    for await (const image of decodeInOrder(folder, pixels.rule, signal)) {
      tally.add(image)
      if (tally === train) await pixels.add(image.pixels)
      onProgress?.({ done: ++done, total })
    }
  }
  if (train.count === 0) throw nothingToRead(data, train.faults)
  return { ...summary(sets, train, val), ...(await pixels.meanStd()) }
}

interface Decoded {
  readonly label: number
  readonly pixels?: Pixels
  /** In the pixels' place. */
  readonly fault?: SkippedFile
}

/** Whole images held in memory at once. */
const AT_ONCE = Math.min(8, Math.max(2, availableParallelism()))

async function* decodeInOrder(folder: ImageFolder, rule: ResizeRule, signal?: AbortSignal): AsyncGenerator<Decoded, void, undefined> {
  const ahead: Promise<Decoded>[] = []
  for (let started = 0, i = 0; i < folder.length; i++) {
    for (; started < Math.min(i + AT_ONCE, folder.length); started++) {
      const decoding = decode(folder, started, rule)
      decoding.catch(() => {}) // thrown when its turn comes
      ahead.push(decoding)
    }
    yield await abortable(ahead.shift() as Promise<Decoded>, signal)
  }
}

async function decode(folder: ImageFolder, index: number, rule: ResizeRule): Promise<Decoded> {
  const { image, label } = await folder.get(index)
  try {
    return { label, pixels: await decodeImage(image, rule) }
  } catch (error) {
    if (!(error instanceof TorchgraftError)) throw error
    return { label, fault: { path: folder.name(index), code: error.code, message: reasonOf(error) } }
  }
}

/** What is kept of a split's images. */
class Tally {
  readonly counts: number[]
  readonly widths: number[] = []
  readonly heights: number[] = []
  readonly faults: SkippedFile[] = []

  constructor(classes: readonly string[]) {
    this.counts = classes.map(() => 0)
  }

  get count(): number {
    return this.widths.length
  }

  add({ label, pixels, fault }: Decoded): void {
    if (fault) this.faults.push(fault)
    if (!pixels) return
    this.counts[label]! += 1
    this.widths.push(pixels.width)
    this.heights.push(pixels.height)
  }
}

function summary(sets: TrainVal, train: Tally, val: Tally): Omit<DataStatistics, 'mean' | 'std'> {
  const classes = sets.classes.map((label, i) => ({ label, train: train.counts[i] ?? 0, val: val.counts[i] ?? 0 }))
  const totals = classes.map((counts) => counts.train + counts.val).sort((a, b) => a - b)
  const [least = 0, most = 0] = [totals[0], totals.at(-1)]
  const files = [...sets.train.skipped, ...sets.val.skipped, ...train.faults, ...val.faults]
  const each = new Map(files.map((file) => [file.path, file])) // both sets of one folder name the same files
  return {
    classes,
    count: train.count + val.count,
    imbalance: least === 0 ? null : most / least,
    sizes: { width: spread([...train.widths, ...val.widths]), height: spread([...train.heights, ...val.heights]) },
    faults: [...each.values()].sort((a, b) => compareCodePoints(a.path, b.path)),
    passedOver: sets.passedOver,
    contradictions: sets.contradictions,
    notes: [...duplicateNotes(sets), ...sets.notes],
  }
}

function spread(numbers: readonly number[]): Spread {
  const sorted = Uint32Array.from(numbers).sort()
  const at = (i: number): number => sorted[i] ?? 0
  const last = sorted.length - 1
  return [at(0), (at(Math.floor(last / 2)) + at(Math.ceil(last / 2))) / 2, at(last)]
}

function nothingToRead(data: string, faults: readonly SkippedFile[]): TorchgraftError {
  const first = faults.slice(0, 3).map(({ path, message }) => `${path}: ${message}`)
  return new TorchgraftError('ERR_DATA_EMPTY', `No training image in ${data} can be read (${faults.length} tried), so there is nothing to learn from (${first.join('; ')}${faults.length > 3 ? '; …' : ''}). Replace them`, { path: data })
}
