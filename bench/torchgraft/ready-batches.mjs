import { readFile } from 'node:fs/promises'

/** @typedef {import('../../src/index.js').Batch} Batch */
/**
 * @typedef {object} ReadyImages
 * @property {string} pixels
 * @property {readonly number[]} labels
 * @property {number} batch
 * @property {number} size
 * @property {number} source height and width of the images in the file, of which the middle is taken
 * @property {import('../../src/index.js').Rgb} mean
 * @property {import('../../src/index.js').Rgb} std
 */

/**
 * Images of one size, uint8, one after another in a file: as batches that leave nothing to load.
 *
 * @param {ReadyImages} ready
 * @returns {Promise<Batch[]>}
 */
export async function readBatches({ pixels, labels, batch, size, source, mean, std }) {
  const bytes = new Uint8Array(await readFile(pixels))
  const each = source * source * 3
  const margin = (source - size) / 2
  return Array.from({ length: Math.floor(labels.length / batch) }, (_, step) => {
    const first = step * batch
    return {
      size: batch,
      step,
      indices: Int32Array.from({ length: batch }, (_, i) => first + i),
      labels: Int32Array.from(labels.slice(first, first + batch)),
      images: {
        pixels: bytes.subarray(first * each, (first + batch) * each),
        shapes: new Int32Array(batch * 2).fill(source),
        plans: Array.from({ length: batch }, () => ({ geometry: /** @type {const} */ ([1, 0, margin, 0, 1, margin]) })),
        output: size,
        mean,
        std,
      },
    }
  })
}
