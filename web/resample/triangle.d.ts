import type { Pixels } from './fit.js'
import type { Size, Window } from './sizes.js'

export function scaled(pixels: Pixels, size: Size, window: Window): Pixels
