import type { Pixels } from './fit.js'

export function turnedBack(pixels: Pixels, orientation: number): Pixels
export function turned(pixels: Pixels, orientation: number): Pixels
