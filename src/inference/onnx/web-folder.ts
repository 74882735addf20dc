import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ModelMetadata } from '../../runs/model-metadata.js'
import { TorchgraftError } from '../../errors.js'
import { writeError } from '../../formats/files/write-file.js'
import { packageRoot } from '../../package.js'
import { encodeOnnx } from './onnx-file.js'
import type { OnnxModel } from './onnx-model.js'
import { resolveInstalled } from './onnx-runtime.js'

/** What of web/ goes along; its types are for TypeScript alone. */
const PAGE = [
  'index.html', 'style.css', 'page.js', 'camera.js', 'worker.js', 'pixels.js', 'bitmap.js', 'notes.js',
  ...[
    'exif', 'first-bytes', 'gif-frame', 'profile', 'stored', 'stored-avif', 'stored-gif', 'stored-jpeg', 'stored-png', 'stored-webp',
  ].map((name) => `stored/${name}.js`),
  ...['filters', 'fit', 'jpeg', 'orientation', 'pad', 'resample', 'sizes', 'triangle'].map((name) => `resample/${name}.js`),
]
/** What runs a model on a browser's processor, of all that onnxruntime-web brings. */
const RUNTIME = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']

/**
 * Writes a folder for any static host, whole or not at all: a page, the model, and onnxruntime-web as it is installed.
 *
 * @returns the bytes of its files
 * @throws ERR_RUNTIME_MISSING, ERR_WRITE
 */
export async function writeWebFolder(folder: string, onnx: OnnxModel, metadata: ModelMetadata): Promise<number> {
  const runtime = findRuntime()
  const model = encodeOnnx(onnx)
  const temporary = join(dirname(folder), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(join(temporary, 'onnxruntime'), { recursive: true })
    for (const name of PAGE) {
      await mkdir(dirname(join(temporary, name)), { recursive: true })
      await copyFile(join(packageRoot(), 'web', name), join(temporary, name))
    }
    for (const name of RUNTIME) await copyFile(join(runtime, name), join(temporary, 'onnxruntime', name))
    await writeFile(join(temporary, 'model.onnx'), model)
    await writeFile(join(temporary, 'model.json'), `${JSON.stringify(describe(metadata))}\n`)
    const bytes = await folderBytes(temporary)
    await rename(temporary, folder)
    return bytes
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {}) // the first error is the one to tell
    throw writeError(folder, cause)
  }
}

function findRuntime(): string {
  const main = resolveInstalled('onnxruntime-web')
  const folder = main === undefined ? undefined : dirname(main)
  if (folder !== undefined && RUNTIME.every((name) => existsSync(join(folder, name)))) return folder
  if (folder !== undefined) throw new TorchgraftError('ERR_RUNTIME_MISSING', `The onnxruntime-web in ${folder} has not the files that the page takes: npm install onnxruntime-web@latest, and run this again`, { path: folder })
  throw new TorchgraftError('ERR_RUNTIME_MISSING', 'The page takes onnxruntime-web, whose files go into its folder: npm install onnxruntime-web where torchgraft or your program is, and run this again')
}

/** All that the page needs to know besides the graph. */
function describe({ model, classes, size, resize, weights }: ModelMetadata): object {
  return { model, classes, size, resize, licence: weights?.licence ?? null }
}

async function folderBytes(folder: string): Promise<number> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
