export interface Size {
  readonly width: number
  readonly height: number
}

/** uint8, height × width × 3, RGB. */
export interface Pixels extends Size {
  readonly data: Uint8Array
}

export interface Window extends Size {
  readonly left: number
  readonly top: number
}

export function resizedSize(size: Size, shorterSide: number | null, enlarge?: boolean): Size
export function centreWindow(size: Size, crop: number): Window
export function shrinkOnLoad(size: Size, target: Size): 1 | 2 | 4 | 8
export function halfToEven(value: number): number
