/** Where a GIF's first frame lies in the image, and the colour of what it leaves open. */
export interface FirstFrame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly behind: readonly [red: number, green: number, blue: number]
  /** Places in the file of the flags whose lowest bit says that a colour is transparent. */
  readonly transparencyAt: readonly number[]
}

export function readFirstFrame(bytes: Uint8Array): FirstFrame | undefined
