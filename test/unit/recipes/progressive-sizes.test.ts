import { progressiveSizes, sizeInEpoch, sizeSteps } from '../../../src/recipes/default/progressive-sizes.js'
import { ValLoaders } from '../../../src/loader/val-loaders.js'
import { collect, numberedLoader } from '../../helpers/loader.js'

describe('progressive resizing', () => {
  test.each([
    [224, [128, 160, 192, 224]], [192, [128, 160, 192]], [256, [160, 192, 224, 256]],
    [300, [192, 224, 256, 288, 300]], [96, [64, 96]], [64, [64]], [32, [32]], [33, [32, 33]],
  ])('for %d px', (size, sizes) => {
    expect(progressiveSizes(size, 32)).toEqual(sizes)
  })

  test.each([
    [12, [128, 128, 128, 160, 160, 160, 192, 192, 192, 224, 224, 224]],
    [7, [128, 160, 160, 192, 192, 224, 224]],
    [3, [160, 192, 224]],
    [1, [224]],
  ])('%d epochs: each size has its share, and the last epoch the full size', (epochs, sizes) => {
    const size = sizeInEpoch({ progressiveResizing: true, size: 224, epochs }, 32)
    expect(Array.from({ length: epochs }, (_, epoch) => size(epoch))).toEqual(sizes)
  })

  test('the sizes of a run, by the epoch that each begins with; none where all are alike', () => {
    expect(sizeSteps({ progressiveResizing: true, size: 224, epochs: 12 }, 32)).toEqual([
      { from: 1, size: 128 }, { from: 4, size: 160 }, { from: 7, size: 192 }, { from: 10, size: 224 },
    ])
    expect(sizeSteps({ progressiveResizing: false, size: 224, epochs: 12 }, 32)).toEqual([])
    expect(sizeSteps({ progressiveResizing: true, size: 64, epochs: 12 }, 32)).toEqual([])
    expect(sizeSteps({ progressiveResizing: true, size: 224, epochs: 1 }, 32)).toEqual([])
  })
})

describe('ScoringLoaders', () => {
  test('gives a loader of the epoch\'s size, one for epochs alike, and lets go of the one before', async () => {
    const made = new Map([4, 8].map((size) => [size, numberedLoader(4, { size })]))
    const loaders = new Map(await Promise.all([...made].map(async ([size, loader]) => [size, await loader] as const)))
    await using sets = new ValLoaders((size) => loaders.get(size)!, (epoch) => (epoch < 2 ? 4 : 8))
    const small = sets.at(0)
    expect(sets.at(1)).toBe(small)
    expect(await collect(small.epoch(0))).toHaveLength(1)
    expect(sets.at(2).size).toBe(8)
    await expect(collect(small.epoch(0))).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
    expect(sets.ofSize(4).size).toBe(4)
  })
})
