/** A decoded image: uint8, height × width × 3, RGB. */
export interface Pixels {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}
