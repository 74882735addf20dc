// Runs an ONNX file in a process of its own: onnxruntime and jest's realms of globals do not go together.
//   node run-onnx.mjs FILE uint8|float32 PIXELS COUNT SIZE
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadOnnxRuntime } from '../../../dist/inference/onnx/onnx-runtime.js'

const [file = '', type = 'uint8', pixels = '', count, size] = process.argv.slice(2)
const { InferenceSession, Tensor, name } = await loadOnnxRuntime(undefined, [join(process.cwd(), 'program')])
const bytes = new Uint8Array(await readFile(pixels))
const session = await InferenceSession.create(file, {})
const shape = [Number(count), Number(size), Number(size), 3]
const images = type === 'uint8' ? new Tensor('uint8', bytes, shape) : new Tensor('float32', new Float32Array(bytes.buffer), shape)
const { probabilities } = await session.run({ images })
const { data } = /** @type {{ data: Float32Array }} */ (/** @type {unknown} */ (probabilities))
console.log(JSON.stringify({ name, probabilities: Array.from(data) }))
