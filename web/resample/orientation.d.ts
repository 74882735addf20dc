import type { Pixels, Size, Window } from './sizes.js'

export function turned(pixels: Pixels, orientation: number): Pixels
export function turnedBack(pixels: Pixels, orientation: number): Pixels
export function uprightSize(size: Size, orientation: number): Size
export function storedWindow(window: Window, size: Size, orientation: number): Window
