import type { Pixels, Size, Window } from './sizes.js'

export function scaled(pixels: Pixels, size: Size, window: Window): Pixels
