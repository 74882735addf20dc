import type { Pixels } from './fit.js'

export function turned(pixels: Pixels, orientation: number): Pixels
