export interface Size {
  readonly width: number
  readonly height: number
}

export interface Window extends Size {
  readonly left: number
  readonly top: number
}

export function resized(size: Size, shorterSide: number | null, enlarge?: boolean): Size
export function middle(size: Size, crop: number): Window
export function shrinkOnLoad(size: Size, target: Size): 1 | 2 | 4 | 8
export function halfToEven(value: number): number
