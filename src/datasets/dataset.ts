import type { ImageSource } from '../images/image-source.js'

export interface Sample {
  readonly image: ImageSource
  /** Index into the classes. */
  readonly label: number
}

/** Images with labels, by number. */
export interface Dataset {
  readonly classes: readonly string[]
  readonly length: number
  get(index: number): Promise<Sample>
  /** What to call an image in messages. @default its number */
  name?(index: number): string
  /** Equal for images of equal content, which are then decoded once. @default its number */
  key?(index: number): string
}
