import { fileURLToPath } from 'node:url'
import { decodeImage } from '../../src/images/decode.js'
import type { Pixels } from '../../src/images/pixels.js'
import type { ResizeRule } from '../../src/images/resize-rule.js'
import { lazyPixels } from '../../src/loader/lazy-pixels.js'
import { paddedSize } from '../../src/loader/pad-pixels.js'
import { toNative } from '../../src/session/to-native.js'
import { notebookEvalTransform, notebookPlan, notebookStatisticsTransform, type NotebookDraws } from '../../src/recipes/notebook/transforms.js'
import type { Plan } from '../../src/augment/plan.js'
import { readSafetensors } from '../../src/formats/safetensors.js'
import { toFloat32 } from '../../src/formats/tensor.js'
import type { NativeRenderer } from '../../src/addon/binding.js'
import { renderImages } from '../../src/session/render-batch.js'
import { expectParity, furthest, readFixture } from './rows.js'

const { size: SIZE, plans, files } = readFixture<{ size: number; plans: Record<string, NotebookDraws>; files: string[] }>('images')
const fixtures = readSafetensors(fileURLToPath(new URL('./fixtures/images.safetensors', import.meta.url)))
const RULE = notebookEvalTransform().decode!(SIZE)
const UNPADDED = notebookStatisticsTransform().decode!(SIZE)

/** In 0–1, [SIZE, SIZE, 3]. */
type Planner = (image: { width: number; height: number; output: number }) => Plan

async function render(image: Pixels, rule: ResizeRule, plan: Planner, renderer: NativeRenderer): Promise<Float32Array> {
  const plans = [plan({ ...paddedSize(image, rule.pad), output: SIZE })]
  const images = lazyPixels([image], rule.pad, { plans, output: SIZE, mean: [0, 0, 0], std: [1, 1, 1] })
  return renderImages(toNative({ images, size: 1, indices: Int32Array.of(0), step: 0 }).images, renderer)
}

const expected = async (name: string): Promise<Float32Array> => toFloat32((await fixtures).tensors.get(name)!)
const worst: Record<string, number> = {}

describe.each<[string, NativeRenderer]>([['the batch kernel', 'loops'], ['what a GPU’s kernel is compiled from', 'kernel'], ['what a GPU does without its kernel', 'operations']])('images as torchvision makes them, by %s', (_, renderer) => {
  describe.each(files)('%s', (file) => {
    let image: Pixels
    beforeAll(async () => {
      image = await decodeImage(fileURLToPath(new URL(`./fixtures/images/${file}`, import.meta.url)), RULE)
    })

    const keep = (row: string, difference: number): void => {
      worst[`${renderer}, ${row}`] = Math.max(worst[`${renderer}, ${row}`] ?? 0, difference)
    }

    test('without augmentation: decoded, padded, resized', async () => {
      const difference = furthest(await render(image, RULE, (sizes) => notebookEvalTransform()(sizes, () => 0, 0), renderer), await expected(`${file}/plain`))
      keep('without augmentation', difference)
      expect(difference).toBeLessThanOrEqual(1e-5)
    })

    test('squashed, for the mean and the standard deviation', async () => {
      const difference = furthest(await render(image, UNPADDED, (sizes) => notebookStatisticsTransform()(sizes, () => 0, 0), renderer), await expected(`${file}/squashed`))
      keep('squashed', difference)
      expect(difference).toBeLessThanOrEqual(1e-5)
    })

    test.each(Object.entries(plans))('%s', async (name, draws) => {
      const ours = await render(image, RULE, (sizes) => notebookPlan(sizes, draws), renderer)
      const theirs = await expected(`${file}/${name}`)
      const differences = Array.from(ours, (value, i) => Math.abs(value - theirs[i]!))
      keep('turned, sheared, brightened', Math.max(...differences))
      expect(differences.filter((difference) => difference > 2 / 255).length).toBeLessThanOrEqual(0.001 * differences.length)
      expect(differences.reduce((sum, difference) => sum + difference, 0) / differences.length).toBeLessThan(0.2 / 255)
    })
  })

  afterAll(() => {
    for (const [row, difference] of Object.entries(worst)) if (row.startsWith(renderer)) expectParity(`images, ${row}`, difference, 2 / 255)
  })
})
