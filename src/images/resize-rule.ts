/** How an image file becomes pixels. Kept in model files, so that predicting does what scoring did. */
export interface ResizeRule {
  /** Both sides are scaled alike, so that the shorter has this many pixels; null leaves them. */
  readonly shorterSide: number | null
  /** Height and width of the middle that is kept; null keeps all. */
  readonly crop: number | null
  /** Whether what is made smaller is low-pass filtered first, as Pillow does and PyTorch's `interpolate` does not. */
  readonly antialias: boolean
  /** `square` puts black around it on its way into a batch, half on each side; the batch then scales all of it to its size. */
  readonly pad: 'square' | null
  /** Whether the camera's orientation is applied. A TIFF always is turned, as Pillow does on loading it, an AVIF as its container says. */
  readonly orient: boolean
  /** Whether an embedded colour profile is applied, so that the pixels are sRGB; if not they are Pillow's, CMYK and 16-bit grey too. */
  readonly profile: boolean
  /** Whether an image smaller than `shorterSide` is enlarged. @default true */
  readonly enlarge?: boolean
}
