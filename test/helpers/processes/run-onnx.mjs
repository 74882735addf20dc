// Runs an ONNX file in a process of its own: onnxruntime and jest's realms of globals do not go together.
//   node run-onnx.mjs FILE uint8|float32 PIXELS COUNT SIZE
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadOnnxRuntime } from '../../../dist/inference/onnx/onnx-runtime.js'

const [file = '', type = 'uint8', pixels = '', count, size] = process.argv.slice(2)
const { InferenceSession, Tensor, name } = await loadOnnxRuntime(undefined, [join(process.cwd(), 'program')])
const bytes = new Uint8Array(await readFile(pixels))
const session = await InferenceSession.create(file, {})
const images = type === 'uint8' ? new Tensor('uint8', bytes, [Number(count), Number(size), Number(size), 3]) : new Tensor('float32', new Float32Array(bytes.buffer), [Number(count), Number(size), Number(size), 3])
const { probabilities } = await session.run({ images })
console.log(JSON.stringify({ name, probabilities: Array.from(/** @type {Float32Array} */ (/** @type {{ data: unknown }} */ (probabilities).data)) }))
