import { PIXEL_CHUNK } from '../../../src/addon/binding.js'
import { DevicePixelCache } from '../../../src/session/device-pixel-cache.js'

const HALF = PIXEL_CHUNK / 2
const loader = () => ({ disposed: false })

describe('places in a device’s memory', () => {
  test.each<[string, number, readonly number[], readonly (number | undefined)[]]>([
    ['one after another', 1, [10, 30, 5], [0, 10, 40]],
    ['a chunk to its last byte', 1, [HALF, HALF], [0, HALF]],
    ['never across a chunk’s end', 2, [HALF, HALF + 1, 7], [0, PIXEL_CHUNK, PIXEL_CHUNK + HALF + 1]],
    ['none where there is no room', 1, [HALF, HALF + 1, HALF], [0, undefined, HALF]],
    ['none for what is larger than a chunk', 3, [PIXEL_CHUNK + 1, PIXEL_CHUNK], [undefined, 0]],
    ['none below a chunk of memory', 0.9, [1], [undefined]],
  ])('%s', (_, chunks, images, offsets) => {
    const places = new DevicePixelCache(chunks * PIXEL_CHUNK)
    const cache = loader()
    expect(images.map((bytes, i) => places.place({ cache, key: String(i), bytes })?.offset)).toEqual(offsets)
  })

  test('an image keeps its place, and the same key of another loader has its own', () => {
    const places = new DevicePixelCache(2 * PIXEL_CHUNK)
    const [train, val] = [loader(), loader()]
    const first = places.place({ cache: train, key: 'a', bytes: 12 })
    places.place({ cache: train, key: 'b', bytes: 12 })
    expect(places.place({ cache: train, key: 'a', bytes: 12 })).toBe(first)
    expect(places.place({ cache: val, key: 'a', bytes: 48 })?.offset).toBe(PIXEL_CHUNK)
  })

  test('what a disposed loader leaves is taken when there is no other room, and not before', () => {
    const places = new DevicePixelCache(2 * PIXEL_CHUNK)
    const [old, train, val] = [loader(), loader(), loader()]
    const before = places.place({ cache: old, key: 'a', bytes: HALF })
    expect(before).toEqual({ offset: 0, stored: false })
    old.disposed = true
    expect(places.place({ cache: train, key: 'a', bytes: HALF })?.offset).toBe(PIXEL_CHUNK)
    expect(places.place({ cache: val, key: 'a', bytes: HALF })).toEqual({ offset: 0, stored: false })
    expect(places.place({ cache: val, key: 'b', bytes: PIXEL_CHUNK })).toBeUndefined()
  })

  test('those of loaders in use are counted, each once', () => {
    const places = new DevicePixelCache(PIXEL_CHUNK)
    const [old, train] = [loader(), loader()]
    for (const key of ['a', 'b', 'a']) places.place({ cache: train, key, bytes: HALF })
    for (const key of ['c', 'd', 'c']) places.place({ cache: train, key, bytes: HALF })
    places.place({ cache: old, key: 'x', bytes: 1 })
    old.disposed = true
    expect(places.counts).toEqual({ placed: 2, refused: 2 })
  })
})
