import { argumentError } from '../errors.js'
import { callback, type Check, checkFields, type Fields, list, numberField } from '../options/checks.js'
import type { ResizeRule } from '../images/resize-rule.js'
import { type Box, cropTo, IDENTITY, composeAffine } from './affine.js'
import type { ImageSizes, Matrix3x4, Plan } from './plan.js'
import type { Random } from '../random/sfc32.js'
import { stretch } from './stretch.js'

/**
 * Plans an image's augmentation: a function of its size, not of its pixels. Pure: the same size, generator and progress give the
 * same plan. `random` is keyed by (seed, epoch, index); `progress` runs 0–1 over training.
 */
export interface Transform {
  (image: ImageSizes, random: Random, progress: number): Plan
  /** How images are decoded and kept between epochs, for this output size. @default in full size, oriented, in sRGB */
  readonly decode?: (output: number) => ResizeRule
}

/**
 * The shorter side of images kept for training, in output sizes: √2 and a little more, so that the smallest crop of the default, half
 * of the area, has about as many pixels as the output.
 */
const TRAINING_MARGIN = 1.43
/** Decodes without resizing. */
export const FULL_SIZE: ResizeRule = { shorterSide: null, crop: null, antialias: true, pad: null, orient: true, profile: true }

export interface TrainTransformOptions {
  /** Probability of mirroring left to right. @default 0.5 */
  readonly flip?: number
  /** RandomResizedCrop's `scale`: a crop's share of the source's area. @default [0.5, 1] */
  readonly crop?: readonly [min: number, max: number]
  /** RandomResizedCrop's `ratio`: width / height of a crop. @default [3/4, 4/3] */
  readonly ratio?: readonly [min: number, max: number]
}

const rangeUpTo = (most: number): Check => (value, name) => {
  const [min, max] = (Array.isArray(value) && value.length === 2 ? value : []) as unknown[]
  if (typeof min === 'number' && typeof max === 'number' && min > 0 && min <= max && max <= most) return
  throw argumentError(`two numbers above 0${most === 1 ? ', at most 1' : ''}, the smaller first,`, name, value)
}
const TRAIN_FIELDS: Fields<TrainTransformOptions> = {
  flip: numberField({ min: 0, max: 1 }),
  crop: rangeUpTo(1),
  ratio: rangeUpTo(Number.MAX_VALUE),
}
const EVAL_FIELDS: Fields<{ readonly resize?: number }> = { resize: numberField({ min: 1 }) }

/**
 * Random crop, resize to the output and flip, as torchvision's `RandomResizedCrop` (scale 0.5–1, ratio 3/4–4/3) and
 * `RandomHorizontalFlip` draw them. Crops are sampled bilinearly, without antialiasing, from sources that are kept with a shorter
 * side of 1.43 × the output size (smaller ones as they are): so the smallest crop of the default is sampled about 1 : 1.
 *
 * @throws ERR_ARGUMENT
 */
export function trainTransform(options: TrainTransformOptions = {}): Transform {
  checkFields<TrainTransformOptions>(options, TRAIN_FIELDS, 'trainTransform')
  const { flip = 0.5, crop = [0.5, 1], ratio = [3 / 4, 4 / 3] } = options
  const transform = (image: ImageSizes, random: Random): Plan => {
    const box = randomCrop(image, random, crop, ratio)
    return { geometry: cropTo(box, image.output, random() < flip) }
  }
  const decode = (output: number): ResizeRule => ({ ...FULL_SIZE, shorterSide: Math.round(TRAINING_MARGIN * output), enlarge: false })
  return Object.assign(transform, { decode })
}

/**
 * Resizes the shorter side to `resize` × the output size, antialiased, and takes the middle: torchvision's `Resize` and `CenterCrop`.
 *
 * @param options.resize 8/7 by default: 256 pixels for an output of 224
 * @throws ERR_ARGUMENT
 */
export function evalTransform(options: { readonly resize?: number } = {}): Transform {
  checkFields<{ readonly resize?: number }>(options, EVAL_FIELDS, 'evalTransform')
  const { resize = 8 / 7 } = options
  return identityTransform((output) => ({ ...FULL_SIZE, shorterSide: Math.round(resize * output), crop: output }))
}

/**
 * The transform of validation and prediction by a model file's rule: decoding resizes and crops. Where the rule has no crop, the batch
 * stretches the whole image to the output.
 */
export function scoringTransform(rule: ResizeRule): Transform {
  if (rule.crop === null) return Object.assign((image: ImageSizes) => stretch(image), { decode: () => rule })
  return identityTransform(() => rule)
}

const TRANSFORMS = list(callback)

/**
 * Transforms one after another, each applied to the output of the one before, as one plan: one resampling. Images are decoded as
 * the first transform's `decode` says; only that one may resample by `snap`.
 *
 * @throws ERR_ARGUMENT
 */
export function compose(...transforms: readonly Transform[]): Transform {
  if (transforms.length === 0) throw argumentError('at least one transform', 'compose', [])
  TRANSFORMS(transforms, 'transforms')
  const [first, ...others] = transforms as readonly [Transform, ...Transform[]]
  const transform = (image: ImageSizes, random: Random, progress: number): Plan => {
    const { output } = image
    const later = { width: output, height: output, output }
    return others.reduce((plan, next) => composePlans(plan, next(later, random, progress)), first(image, random, progress))
  }
  return Object.assign(transform, first.decode && { decode: first.decode })
}

/** Decoding brings images to the output size: they are rendered as they are. */
function identityTransform(decode: (output: number) => ResizeRule): Transform {
  return Object.assign((): Plan => ({ geometry: IDENTITY }), { decode })
}

/**
 * One plan for two, the later applied to the earlier's output. Geometries lead backwards, from output to source, so the later's map is
 * applied first.
 */
function composePlans(earlier: Plan, later: Plan): Plan {
  if (later.snap) throw argumentError('a transform without snap after the first', 'compose', 'one with snap')
  const colour = earlier.colour && later.colour ? composeColour(earlier.colour, later.colour) : (earlier.colour ?? later.colour)
  return { ...later, ...earlier, geometry: composeAffine(later.geometry, earlier.geometry), ...(colour && { colour }) }
}

/** The 3×4 matrix product `second` · `first`, each with the row (0, 0, 0, 1) below. */
function composeColour(first: Matrix3x4, second: Matrix3x4): Matrix3x4 {
  const at = (matrix: Matrix3x4, row: number, column: number): number => matrix[row * 4 + column] ?? 0
  const cells = Array.from({ length: 12 }, (_, i) => {
    const [row, column] = [Math.floor(i / 4), i % 4]
    const sum = [0, 1, 2].reduce((total, k) => total + at(second, row, k) * at(first, k, column), 0)
    return sum + (column === 3 ? at(second, row, 3) : 0)
  })
  return cells as unknown as Matrix3x4
}

/** torchvision's RandomResizedCrop.get_params: ten tries, then the largest middle of an allowed shape. */
function randomCrop({ width, height }: ImageSizes, random: Random, area: readonly [number, number], ratio: readonly [number, number]): Box {
  const [narrow, wide] = ratio
  for (let i = 0; i < 10; i++) {
    const pixels = width * height * (area[0] + (area[1] - area[0]) * random())
    const shape = Math.exp(Math.log(narrow) + (Math.log(wide) - Math.log(narrow)) * random())
    const w = Math.round(Math.sqrt(pixels * shape))
    const h = Math.round(Math.sqrt(pixels / shape))
    if (w < 1 || h < 1 || w > width || h > height) continue
    return { left: Math.floor(random() * (width - w + 1)), top: Math.floor(random() * (height - h + 1)), width: w, height: h }
  }
  const own = width / height
  const w = own > wide ? Math.max(1, Math.round(height * wide)) : width
  const h = own < narrow ? Math.max(1, Math.round(width / narrow)) : height
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h }
}
