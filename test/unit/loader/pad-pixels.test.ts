import { lazyPixels } from '../../../src/loader/lazy-pixels.js'
import { paddedSize } from '../../../src/loader/pad-pixels.js'
import type { Pixels } from '../../../src/images/pixels.js'

const image = (width: number, height: number) => ({ width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => i + 1) })
const batch = (images: readonly Pixels[], pad: 'square' | null) => lazyPixels(images, pad, { plans: [], output: 1, mean: [0, 0, 0], std: [1, 1, 1] })

test.each([
  [4, 4, 4, 4], [5, 2, 5, 4], [2, 5, 4, 5], [4, 2, 4, 4], [7, 1, 7, 7], [1, 2, 1, 2],
])('%i × %i is padded to %i × %i: an odd difference leaves it a pixel short of square', (width, height, paddedWidth, paddedHeight) => {
  expect(paddedSize({ width, height }, 'square')).toEqual({ width: paddedWidth, height: paddedHeight })
  expect(paddedSize({ width, height }, null)).toEqual({ width, height })
})

test('images lie one after another, each in the middle of its black frame', () => {
  const { pixels, shapes } = batch([image(1, 3), image(4, 1), image(1, 1)], 'square')
  expect([...shapes]).toEqual([3, 3, 3, 4, 1, 1])
  const black = [0, 0, 0]
  const tall = [...black, 1, 2, 3, ...black, ...black, 4, 5, 6, ...black, ...black, 7, 8, 9, ...black]
  const wide = [
    ...black, ...black, ...black, ...black, ...Array.from({ length: 12 }, (_, i) => i + 1), ...black, ...black, ...black, ...black,
  ]
  expect([...pixels]).toEqual([...tall, ...wide, 1, 2, 3])
})

test('without padding they are as they were', () => {
  const { pixels, shapes } = batch([image(2, 1), image(1, 1)], null)
  expect([[...pixels], [...shapes]]).toEqual([[1, 2, 3, 4, 5, 6, 1, 2, 3], [1, 2, 1, 1]])
})

test('more than memory can be had for is told as such', () => {
  const wide = Array.from({ length: 50 }, () => ({ width: 16_000, height: 1, data: new Uint8Array(48_000) })) // square, 768 MB each
  expect(() => batch(wide, 'square').pixels).toThrow(expect.objectContaining({
    code: 'ERR_OUT_OF_MEMORY', message: expect.stringMatching(/take 38\.4 GB, .* smaller batch size/),
  }))
})
