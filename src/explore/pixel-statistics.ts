import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Pixels } from '../images/pixels.js'
import type { Rgb } from '../augment/plan.js'
import { FULL_SIZE } from '../augment/transforms.js'
import type { MeanStd } from '../recipes/options.js'
import type { PixelStatistics } from '../recipes/recipe.js'

/** Of whole images, each counted alike, however large: means over images of E[x] and E[x²]. */
export class ImageStatistics implements PixelStatistics {
  readonly rule = FULL_SIZE
  readonly #means = [0, 0, 0]
  readonly #squares = [0, 0, 0]
  #images = 0

  async add(pixels: Pixels | undefined): Promise<void> {
    if (!pixels) return
    const { data, width, height } = pixels
    const sums = [0, 0, 0]
    const squares = [0, 0, 0]
    for (let begin = 0; begin < data.length; begin += TURN) {
      addUp(data.subarray(begin, begin + TURN), sums, squares)
      await nextTurn()
    }
    for (let c = 0; c < 3; c++) {
      this.#means[c]! += sums[c]! / (width * height * 255)
      this.#squares[c]! += squares[c]! / (width * height * 255 * 255)
    }
    this.#images++
  }

  meanStd(): Promise<MeanStd> {
    const mean = this.#means.map((sum) => sum / this.#images)
    const std = this.#squares.map((sum, c) => Math.sqrt(Math.max(0, sum / this.#images - mean[c]! ** 2)))
    return Promise.resolve({ mean: mean as unknown as Rgb, std: std as unknown as Rgb })
  }
}

/** Numbers added up between two turns of the event loop: about a millisecond, whole pixels. */
const TURN = 3 << 18

function addUp(pixels: Uint8Array, sums: number[], squares: number[]): void {
  let [r, g, b, rr, gg, bb] = [0, 0, 0, 0, 0, 0] // whole numbers, so that nothing is rounded
  for (let i = 0; i < pixels.length; i += 3) {
    const [x, y, z] = [pixels[i]!, pixels[i + 1]!, pixels[i + 2]!]
    r += x
    g += y
    b += z
    rr += x * x
    gg += y * y
    bb += z * z
  }
  for (const [c, sum] of [r, g, b].entries()) sums[c]! += sum
  for (const [c, square] of [rr, gg, bb].entries()) squares[c]! += square
}
