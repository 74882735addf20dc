// The model, on a thread of its own, so that the page stays awake.
import { ImageError, pixelsFor } from './pixels.js'

/**
 * As model.json tells it.
 *
 * @typedef {object} Model
 * @property {string} model
 * @property {readonly string[]} classes
 * @property {number} size
 * @property {import('./pixels.js').ResizeRule} resize
 * @property {string | null} licence
 */
/** @typedef {{ readonly id: number, readonly file: Blob }} Request */
/**
 * What the model makes of an image. Times are in milliseconds; `note` tells why torchgraft predict may tell others.
 *
 * @typedef {object} Result
 * @property {'result'} type
 * @property {number} id the request's
 * @property {Float32Array} probabilities in the order of the classes
 * @property {string | undefined} note
 * @property {number} prepared
 * @property {number} computed
 */
/**
 * @typedef {{ readonly type: 'ready', readonly model: Model }
 *   | { readonly type: 'broken', readonly message: string }
 *   | { readonly type: 'error', readonly id: number, readonly message: string }
 *   | Readonly<Result>} Answer
 */

const here = (/** @type {string} */ file) => new URL(file, import.meta.url).href
const answer = (/** @type {Answer} */ message) => self.postMessage(message)

const opened = open()
opened.then(
  ({ model }) => answer({ type: 'ready', model }),
  (error) => answer({ type: 'broken', message: String(error?.message ?? error) }),
)

/** One at a time, in the order asked for. @type {Promise<void>} */
let queue = Promise.resolve()
addEventListener('message', ({ data }) => {
  queue = queue.then(() => predict(data))
})

async function open() {
  const model = /** @type {Model} */ (await (await fetched('model.json')).json())
  const runtime = /** @type {typeof import('onnxruntime-web')} */ (await import(here('onnxruntime/ort.wasm.min.mjs')))
  runtime.env.wasm.wasmPaths = here('onnxruntime/')
  // Threads take headers that few static hosts send.
  runtime.env.wasm.numThreads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1
  const bytes = new Uint8Array(await (await fetched('model.onnx')).arrayBuffer())
  const session = await runtime.InferenceSession.create(bytes, { executionProviders: ['wasm'] })
  const run = async (/** @type {Uint8Array | Float32Array} */ pixels) => {
    const dims = [1, model.size, model.size, 3]
    const images = pixels instanceof Uint8Array ? new runtime.Tensor('uint8', pixels, dims) : new runtime.Tensor('float32', pixels, dims)
    const { probabilities } = await session.run({ images })
    return /** @type {Float32Array} */ (probabilities?.data)
  }
  const nothing = model.resize.crop === null ? new Float32Array(model.size * model.size * 3) : new Uint8Array(model.size * model.size * 3)
  await run(nothing) // the first one also compiles: it is not the first image's to wait for
  return { model, run }
}

/** @param {string} file */
async function fetched(file) {
  const response = await fetch(here(file))
  if (!response.ok) throw new Error(`${file}: ${response.status} ${response.statusText}`)
  return response
}

/** @param {Request} request */
async function predict({ id, file }) {
  try {
    const { model, run } = await opened
    const started = performance.now()
    const { pixels, note } = await pixelsFor(file, model)
    const prepared = performance.now()
    const probabilities = await run(pixels)
    answer({ type: 'result', id, probabilities, note, prepared: prepared - started, computed: performance.now() - prepared })
  } catch (error) {
    answer({ type: 'error', id, message: error instanceof ImageError ? error.message : `could not be classified: ${error instanceof Error ? error.message : error}` })
  }
}
