import type { ResizeRule } from '../../images/resize-rule.js'
import { composeAffine, translate } from '../../augment/affine.js'
import type { ImageSizes, Matrix2x3, Plan } from '../../augment/plan.js'
import { stretch } from '../../augment/stretch.js'
import { toBits, torchRandperm, torchUniform } from '../../random/torch.js'
import type { Transform } from '../../augment/transforms.js'

/** Numbers that an image draws: a permutation of four (three draws), brightness, angle, shear. */
export const NOTEBOOK_DRAWS = 6
/** `ColorJitter(brightness=0.01)`, `RandomAffine(degrees=10, shear=45)`. */
const BRIGHTNESS = 0.01
const DEGREES = 10
const SHEAR = 45

/** Images as Pillow's `Image.open(file).convert('RGB')` gives them, in the middle of a black square. */
const RULE: ResizeRule = { shorterSide: null, crop: null, antialias: false, pad: 'square', orient: false, profile: false }

/**
 * The notebook's training images: `ToTensor`, `PadImage`, `Resize` without antialiasing, `ColorJitter(brightness=0.01)`,
 * `RandomAffine(degrees=10, shear=45)`, nearest with black around, as torchvision draws and computes them on tensors.
 */
export function notebookTrainTransform(): Transform {
  const transform: Transform = (image, random) => {
    const bits = toBits(random)
    torchRandperm(4, bits) // the order of brightness, contrast, saturation and hue: there is brightness only
    const brightness = torchUniform(1 - BRIGHTNESS, 1 + BRIGHTNESS, bits)
    const angle = torchUniform(-DEGREES, DEGREES, bits)
    return notebookPlan(image, { brightness, angle, shear: torchUniform(-SHEAR, SHEAR, bits) })
  }
  return Object.assign(transform, { decode: () => RULE })
}

/** The notebook's validation images: `ToTensor`, `PadImage`, `Resize` without antialiasing. */
export function notebookEvalTransform(): Transform {
  return Object.assign(stretch, { decode: () => RULE })
}

/** The images that the notebook's mean and standard deviation come from: `ToTensor` and `Resize`, no `PadImage`. */
export function notebookStatisticsTransform(): Transform {
  return Object.assign((image: ImageSizes) => stretch(image), { decode: () => ({ ...RULE, pad: null }) })
}

export interface NotebookDraws {
  /** Multiplies the pixels. */
  readonly brightness: number
  /** Degrees, clockwise. */
  readonly angle: number
  /** Degrees, along x. */
  readonly shear: number
}

/** torchvision's `adjust_brightness` and `affine`, about the centre, as one plan. */
export function notebookPlan(image: ImageSizes, { brightness, angle, shear }: NotebookDraws): Plan {
  const centre = image.output / 2
  const geometry = composeAffine(composeAffine(translate(-centre, -centre), inverseAffine(angle, shear)), translate(centre, centre))
  return { ...stretch(image), geometry, border: [0, 0, 0], colour: [brightness, 0, 0, 0, 0, brightness, 0, 0, 0, 0, brightness, 0] }
}

/** From where a pixel comes that is first sheared along x, then turned. */
function inverseAffine(angle: number, shear: number): Matrix2x3 {
  const turn = (angle * Math.PI) / 180
  const slope = Math.tan((shear * Math.PI) / 180)
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  return composeAffine([cos, sin, 0, -sin, cos, 0], [1, slope, 0, 0, 1, 0])
}
