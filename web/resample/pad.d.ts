import type { Pixels, Size } from './sizes.js'

export function paddedSize(size: Size): Size
export function padded(pixels: Pixels): Pixels
export function putCentred(pixels: Pixels, frame: Size, into: Uint8Array): void
