import type { Matrix2x3, Plan } from '../../src/augment/plan.js'
import { packPlans } from '../../src/augment/plan.js'
import { random } from '../../src/random/sfc32.js'
import { type NativeImages, type NativeRenderer, PIXEL_CHUNK } from '../../src/addon/binding.js'
import { loadAddon } from '../../src/addon/load.js'
import { renderImages } from '../../src/session/render-batch.js'
import { cannotHold } from '../helpers/processes/cpu-capability.js'
import { engineCheck, engineCheckWith } from '../helpers/processes/engine-check.js'
import { referenceRender, type Source } from '../helpers/images/reference-render.js'
import { skip } from '../helpers/skip.js'
import { padded as padPixels } from '../../web/resample/pad.js'

const MEAN = [0.4, 0.5, 0.45] as const
const STD = [0.25, 0.2, 0.3] as const

function makeSource(width: number, height: number, seed: number): Source {
  const next = random(seed, width, height)
  return { width, height, pixels: Uint8Array.from({ length: width * height * 3 }, () => Math.floor(next() * 256)) }
}

function toImages(sources: readonly Source[], plans: readonly Plan[], output: number): NativeImages {
  return {
    pixels: Uint8Array.from(sources.flatMap(({ pixels }) => [...pixels])),
    shapes: Int32Array.from(sources.flatMap(({ height, width }) => [height, width])),
    plans: packPlans(plans),
    output,
    meanStd: Float64Array.of(...MEAN, ...STD),
  }
}

async function largestDifference(
  renderer: NativeRenderer,
  sources: readonly Source[],
  plans: readonly Plan[],
  output: number,
): Promise<number> {
  const rendered = await renderImages(toImages(sources, plans, output), renderer)
  const expected = sources.map((source, i) => referenceRender(source, plans[i]!, output, MEAN, STD))
  const difference = (image: Float64Array, i: number): number =>
    image.reduce((worst, value, j) => Math.max(worst, Math.abs(value - rendered[i * image.length + j]!)), 0)
  return Math.max(...expected.map(difference))
}

const SIZES = [[31, 17], [8, 40], [1, 1], [2, 5], [64, 64], [1, 30]] as const
const sources = SIZES.map(([width, height], i) => makeSource(width, height, i))

/** Somewhere around the source, turned, sheared, mirrored; some far outside. */
function randomGeometry(seed: number, { width, height }: Source, output: number): Matrix2x3 {
  const next = random(seed)
  const spread = (): number => (next() - 0.5) * 3
  return [
    (spread() * width) / output, (spread() * width) / output, spread() * width,
    (spread() * height) / output, (spread() * height) / output, spread() * height,
  ]
}

describe.each<[string, NativeRenderer]>([['the batch kernel', 'loops'], ['what a GPU’s kernel is compiled from', 'kernel'], ['what a GPU does without its kernel', 'operations']])('%s does what the slow reference does', (_, renderer) => {
  const variants: Record<string, Partial<Plan>> = {
    'bilinear, mirrored outside': {},
    'bilinear, a colour outside': { border: [0.1, 0.9, 0.5] },
    'nearest, mirrored outside': { interpolation: 'nearest' },
    'nearest, a colour outside': { interpolation: 'nearest', border: [1, 0, 0.25] },
    'with a colour matrix': { colour: [1.4, -0.2, 0, 0.1, 0.3, 0.8, 0.1, -0.2, 0, 0, 2, -0.6], border: [0, 0, 0] },
  }
  test.each(Object.entries(variants))('%s, sources of different sizes in one batch', async (_, extra) => {
    for (let seed = 0; seed < 12; seed++) {
      const plans = sources.map((source, i) => ({ ...extra, geometry: randomGeometry(seed * 100 + i, source, 13) }))
      expect(await largestDifference(renderer, sources, plans, 13)).toBeLessThan(2e-5)
    }
  })

  test.each([[[0, 0, 0] as const], ['reflect' as const]])('snapped to a grid, outside of it %j', async (border) => {
    for (let seed = 0; seed < 12; seed++) {
      const plans = sources.map((source, i): Plan => {
        const snap = { width: 20, height: 14, resize: [source.width / 20, 0, 0, 0, source.height / 14, 0] as const }
        return { border, snap, geometry: randomGeometry(seed * 100 + i, { pixels: new Uint8Array(), width: 20, height: 14 }, 14) }
      })
      expect(await largestDifference(renderer, sources, plans, 14)).toBeLessThan(2e-5)
    }
  })

  test('identity gives the very pixels', async () => {
    const source = makeSource(24, 24, 9)
    const rendered = await renderImages(toImages([source], [{ geometry: [1, 0, 0, 0, 1, 0] }], 24), renderer)
    const pixels = [...rendered].map((value, i) => (value * STD[i % 3]! + MEAN[i % 3]!) * 255)
    expect(Math.max(...pixels.map((value, i) => Math.abs(value - source.pixels[i]!)))).toBeLessThan(1e-3)
  })

  test('images that are sampled in different ways, in one batch', async () => {
    const kinds: Partial<Plan>[] = [
      ...Object.values(variants), { snap: { width: 20, height: 14, resize: [1.2, 0, 0, 0, 0.7, 0] }, border: [0.5, 0, 1] },
    ]
    const plans = sources.map((source, i): Plan => ({ ...kinds[i % kinds.length], geometry: randomGeometry(500 + i, source, 11) }))
    expect(await largestDifference(renderer, sources, plans, 11)).toBeLessThan(2e-5)
  })

  test('a thousand reflections away is still the image', async () => {
    const source = makeSource(5, 3, 1)
    expect(await largestDifference(renderer, [source], [{ geometry: [1.3, 0, 5000.3, 0, 1.1, -9000.7] }], 16)).toBeLessThan(2e-4)
  })
})

test.each([1, 7, 24, 57])('an image that is turned and snaps has the same bits wherever in a batch it is, output %i', async (output) => {
  const plans = sources.map((source, i): Plan => {
    const snap = { width: output, height: output, resize: [source.width / output, 0, 0, 0, source.height / output, 0] as const }
    return { border: [0, 0, 0], snap, geometry: randomGeometry(900 + i, { ...source, width: output, height: output }, output) }
  })
  const together = await renderImages(toImages(sources, plans, output), 'loops')
  const alone = await Promise.all(sources.map((source, i) => renderImages(toImages([source], [plans[i]!], output), 'loops')))
  expect(together).toEqual(Float32Array.from(alone.flatMap((image) => [...image])))
})

/** A plan for each of many images of one pixel, each with the largest grid. */
function manyGrids(): NativeImages {
  const count = 1100
  const plan: Plan = { geometry: [1, 0, 0, 0, 1, 0], snap: { height: 16_384, width: 16_384, resize: [1 / 16_384, 0, 0, 0, 1 / 16_384, 0] } }
  return {
    pixels: new Uint8Array(count * 3), shapes: new Int32Array(count * 2).fill(1),
    plans: packPlans(Array.from({ length: count }, () => plan)), output: 1, meanStd: Float64Array.of(0, 0, 0, 1, 1, 1),
  }
}

test.each(['loops', 'kernel', 'operations'] as const)('the last pixel of a row that is longer than a float can count is the last one read, by %s', async (renderer) => {
  const width = 2 ** 25 + 4 // its last pixel's number rounds up to the width
  const pixels = new Uint8Array(width * 3)
  pixels.set([51, 102, 153], (width - 1) * 3)
  const plan: Plan = { geometry: [1, 0, 0, 0, 1, 0], snap: { height: 1, width: 2, resize: [width, 0, 0, 0, 1, 0] } }
  const images = {
    pixels, shapes: Int32Array.of(1, width), plans: packPlans([plan]), output: 2, meanStd: Float64Array.of(0, 0, 0, 1, 1, 1),
  }
  const rendered = await renderImages(images, renderer)
  expect([...rendered.subarray(3, 6)].map((value) => Math.round(value * 255))).toEqual([51, 102, 153])
})

test('pixels in several arrays are taken as one after another', async () => {
  const two = [makeSource(5, 4, 1), makeSource(3, 7, 2)]
  const images = toImages(two, [{ geometry: [0.4, 0, 0, 0, 0.4, 0] }, { geometry: [0.3, 0.1, 0, 0, 0.4, 0] }], 8)
  const arrays = { pixels: two.map(({ pixels }) => pixels), sizes: images.shapes }
  expect(await renderImages({ ...images, ...arrays }, 'loops')).toEqual(await renderImages(images, 'loops'))
})

test.each([[5, 4], [4, 4], [9, 3], [2, 7]])('a %i × %i image among others is padded on its way, as a page pads it', async (width, height) => {
  const image = { data: makeSource(width, height, 3).pixels, width, height }
  const padded = padPixels(image)
  const around = makeSource(2, 2, 4)
  const plan: Plan = { geometry: [0.4, 0.1, 0, 0, 0.4, 0] }
  const joined = toImages([around, { ...padded, pixels: padded.data }, around], [plan, plan, plan], 8)
  const arrays = { pixels: [around.pixels, image.data, around.pixels], sizes: Int32Array.of(2, 2, height, width, 2, 2) }
  expect(await renderImages({ ...joined, ...arrays }, 'loops')).toEqual(await renderImages(joined, 'loops'))
})

describe('kernels for different processors', () => {
  for (const level of ['avx2', 'avx512'] as const) {
    const title = `give the same bits as the scalar one, in every type of pixel, instructions: ${level}`
    const lacks = cannotHold(level)
    if (lacks) skip(title, lacks)
    else test.each([1, 2, 3])(`${title}, seed %i`, async (seed) => {
      const [plain, wide] = await Promise.all(['default', level].map((held) => engineCheckWith({ ATEN_CPU_CAPABILITY: held }, 'render', String(seed))))
      expect(plain).toMatchObject({ bfloat16IsRounded: true, halfIsRounded: true })
      expect(wide).toEqual(plain)
    })
  }

  test.each([1, 2, 3])('snap to the bits that one pixel after another gives, and read nothing beyond an image, seed %i', async (seed) => {
    const { compared, differing } = (await engineCheckWith({}, 'resample', String(seed))) as { compared: number; differing: Record<string, number> }
    expect(compared).toBeGreaterThan(1_000_000)
    expect(Object.keys(differing)).toContain('scalar')
    expect(Object.values(differing)).toEqual(Object.keys(differing).map(() => 0))
  })

  test.each([1, 2, 3])('what a GPU’s kernel is compiled from gives the CPU’s bits, in every type and layout, seed %i', async (seed) => {
    const { compared, ...differing } = (await engineCheck('render-kernel', String(seed))) as { compared: number }
    expect(compared).toBeGreaterThan(50_000)
    const kinds = ['Float', 'BFloat16', 'Half'].flatMap((type) => [`${type} channels_last`, `${type} contiguous`])
    expect(differing).toEqual(Object.fromEntries(kinds.map((kind) => [kind, 0])))
  })
})

describe('what could read out of bounds is refused', () => {
  const { pixels } = makeSource(4, 4, 1)
  const good = toImages([{ width: 4, height: 4, pixels }], [{ geometry: [1, 0, 0, 0, 1, 0] }], 4)
  const NOTHING = { pixels: [], sizes: new Int32Array(0) }
  const withPlan = (index: number, value: number): NativeImages =>
    ({ ...good, plans: good.plans.map((number, i) => (i === index ? value : number)) })

  test.each<[string, NativeImages]>([
    ['too few pixels', { ...good, pixels: pixels.subarray(1) }],
    ['an array with too few pixels', { ...good, pixels: [pixels.subarray(1)], sizes: good.shapes }],
    ['two arrays for one image', { ...good, pixels: [pixels, pixels], sizes: Int32Array.of(4, 4, 4, 4) }],
    ['an array of a larger image than its shape', { ...good, pixels: [new Uint8Array(72)], sizes: Int32Array.of(6, 4) }],
    ['an array that cannot come into the middle', { ...good, pixels: [new Uint8Array(36)], sizes: Int32Array.of(3, 4) }],
    ['an array of a negative size', { ...good, pixels: [pixels], sizes: Int32Array.of(-4, -4) }],
    ['an array in a shape beyond any memory', { ...good, shapes: Int32Array.of(2 ** 31 - 2, 2 ** 31 - 2), pixels: [pixels], sizes: Int32Array.of(4, 4) }],
    ['an image that is neither brought nor at a place', { ...good, ...NOTHING, places: Float64Array.of(-1), brought: Uint8Array.of(0) }],
    ['an image that was never brought to its place', { ...good, ...NOTHING, places: Float64Array.of(0), brought: Uint8Array.of(0) }],
    ['a place that is no number', { ...good, ...NOTHING, places: Float64Array.of(Number.NaN), brought: Uint8Array.of(0) }],
    ['a place across a chunk’s end', { ...good, places: Float64Array.of(PIXEL_CHUNK - 47), brought: Uint8Array.of(1) }],
    ['a place beyond any memory', { ...good, places: Float64Array.of(1e300), brought: Uint8Array.of(1) }],
    ['two places for one image', { ...good, places: Float64Array.of(0, 48), brought: Uint8Array.of(1, 1) }],
    ['places without telling which images are brought', { ...good, places: Float64Array.of(0), brought: new Uint8Array(0) }],
    ['too many pixels', { ...good, pixels: new Uint8Array(49) }],
    ['a shape of nothing', { ...good, shapes: Int32Array.of(0, 4) }],
    ['a negative shape', { ...good, shapes: Int32Array.of(-4, -4) }],
    ['shapes whose product overflows', { ...good, shapes: Int32Array.of(2 ** 31 - 1, 2 ** 31 - 1) }],
    ['half a shape', { ...good, shapes: Int32Array.of(4, 4, 4) }],
    ['an empty batch', { ...good, shapes: new Int32Array(0), pixels: new Uint8Array(0), plans: new Float64Array(0) }],
    ['a plan too few', { ...good, plans: good.plans.subarray(1) }],
    ['NaN', withPlan(0, Number.NaN)],
    ['infinity', withPlan(2, Infinity)],
    ['a place far beyond', withPlan(5, 1e300)],
    ['a snap grid without width', withPlan(11, 5)],
    ['a negative snap grid', withPlan(11, -5)],
    ['a snap grid of half pixels', { ...good, plans: good.plans.map((number, i) => (i === 11 ? 4.5 : i === 12 ? 4 : number)) }],
    ['snap grids that together take more memory than there may be', manyGrids()],
    ['a colour beyond what a float holds', withPlan(20, 1e300)],
    ['a border beyond what a float holds', withPlan(8, -1e300)],
    ['a mean beyond what a float holds', { ...good, meanStd: Float64Array.of(1e300, 0, 0, 1, 1, 1) }],
    ['a standard deviation whose inverse is infinite', { ...good, meanStd: Float64Array.of(0, 0, 0, 1e-320, 1, 1) }],
    ['an infinite standard deviation', { ...good, meanStd: Float64Array.of(0, 0, 0, 1, Infinity, 1) }],
    ['no output', { ...good, output: 0 }],
    ['a giant output', { ...good, output: 1e6 }],
    ['a standard deviation of 0', { ...good, meanStd: new Float64Array(6) }],
  ])('%s', async (_, images) => {
    const render = async (): Promise<void> => loadAddon().renderBatch(images, 'loops', new Float32Array(48))
    const error: unknown = await render().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_BATCH_SHAPE', message: expect.stringMatching(/^Expected/) })
  })

  test.each([[undefined], [{ ...good, pixels: [1, 2] }], [{ ...good, pixels: [new Float32Array(48)] }], [{ ...good, plans: new Float32Array(32) }], [{ ...good, meanStd: new Float64Array(5) }]])('arguments of another kind throw', (images) => {
    expect(() => loadAddon().renderBatch(images as unknown as NativeImages, 'loops', new Float32Array(48))).toThrow(/^Expected/)
  })
})
