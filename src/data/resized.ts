export interface Size {
  readonly width: number
  readonly height: number
}

export interface Window extends Size {
  readonly left: number
  readonly top: number
}

/** torchvision's `Resize(shorterSide)`: the longer side is rounded down. */
export function resized({ width, height }: Size, shorterSide: number | null, enlarge = true): Size {
  const shorter = Math.min(width, height)
  if (shorterSide === null || (!enlarge && shorter <= shorterSide)) return { width, height }
  const longer = (side: number): number => Math.floor((shorterSide * side) / shorter)
  return width <= height ? { width: shorterSide, height: longer(height) } : { width: longer(width), height: shorterSide }
}

/** torchvision's `CenterCrop`. */
export function middle({ width, height }: Size, crop: number): Window {
  return { left: halfToEven((width - crop) / 2), top: halfToEven((height - crop) / 2), width: crop, height: crop }
}

/** Python's `round`. */
function halfToEven(value: number): number {
  const rounded = Math.round(value)
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}
