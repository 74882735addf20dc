import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TorchgraftError } from '../../errors.js'

/** As much of onnxruntime's JavaScript API as is used here. */
export interface OnnxRuntime {
  readonly name: RuntimeName
  readonly InferenceSession: { create(model: string | Uint8Array, options: OnnxSessionOptions): Promise<OnnxSession> }
  readonly Tensor: new (type: 'uint8' | 'float32', data: Uint8Array | Float32Array, dims: readonly number[]) => unknown
}

interface OnnxSessionOptions {
  readonly intraOpNumThreads?: number
  readonly executionProviders?: readonly string[]
}

export interface OnnxSession {
  run(feeds: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, { readonly data: unknown }>>>
  release(): Promise<void>
}

/** The faster first. */
const RUNTIMES = ['onnxruntime-node', 'onnxruntime-web'] as const
type RuntimeName = (typeof RUNTIMES)[number]

/**
 * onnxruntime as the user installed it: beside torchgraft, or for the program that calls it.
 *
 * @throws ERR_RUNTIME_MISSING, saying how to install it
 */
export async function loadOnnxRuntime(names: readonly RuntimeName[] = RUNTIMES, places = packagesAround()): Promise<OnnxRuntime> {
  const problems: string[] = []
  for (const name of names) {
    const found = resolveInstalled(name, places)
    if (found === undefined) continue
    try {
      const module = (await import(pathToFileURL(found).href)) as { readonly default?: object }
      return { ...module, ...module.default, name } as unknown as OnnxRuntime
    } catch (cause) {
      problems.push(`${name} is installed, but could not be loaded: ${(cause as Error).message.split('\n')[0]}`)
    }
  }
  throw new TorchgraftError('ERR_RUNTIME_MISSING', [...problems, 'A .onnx file takes onnxruntime, installed where torchgraft or your program is: npm install onnxruntime-node (or onnxruntime-web, slower and smaller)'].join('. '))
}

/** The path of a module's main file, or of one of its files; undefined where it is not installed. */
export function resolveInstalled(name: string, places = packagesAround()): string | undefined {
  for (const place of places) {
    try {
      return createRequire(place).resolve(name)
    } catch {
      // the next place
    }
  }
  return undefined
}

/**
 * Where packages are looked for: around torchgraft, then around the program. Not in the folder of work, which may be one of
 * images that somebody sent, with code beside them; but Node takes it for the place of a program that has no file.
 */
function packagesAround(): readonly string[] {
  return [import.meta.url, resolve(process.argv[1] ?? 'program')]
}
