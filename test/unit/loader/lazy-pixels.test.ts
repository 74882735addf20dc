import type { BatchImages } from '../../../src/loader/batch.js'
import { sourcesOf, lazyPixels } from '../../../src/loader/lazy-pixels.js'

const IMAGES = [{ width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }, { width: 1, height: 1, data: Uint8Array.of(7, 8, 9) }]
const images = (pad: 'square' | null = null): BatchImages => lazyPixels(IMAGES, pad, { plans: [], output: 1, mean: [0, 0, 0], std: [1, 1, 1] })

describe('a batch whose images are not joined yet', () => {
  test('is taken image by image, without a copy', () => {
    expect(sourcesOf(images())?.images).toBe(IMAGES)
  })

  test('shows one array to whoever looks, the same each time', () => {
    const batch = images()
    expect(batch.pixels).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9))
    expect(batch.pixels).toBe(batch.pixels)
    expect(batch.shapes).toEqual(Int32Array.of(1, 2, 1, 1))
  })

  test('what is written into that array counts, and the cached images stay what they are', () => {
    const batch = images()
    batch.pixels[0] = 200
    expect(sourcesOf(batch)).toBeUndefined()
    expect(IMAGES[0]?.data[0]).toBe(1)
  })

  test('a copy of it has the array, and its own where it is given another', () => {
    const other = new Uint8Array(9)
    expect({ ...images() }.pixels).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9))
    expect(sourcesOf({ ...images() })).toBeUndefined()
    expect(sourcesOf({ ...images(), pixels: other })).toBeUndefined()
  })
})
