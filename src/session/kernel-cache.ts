import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from '../../scripts/common/paths.mjs'
import type { Binding, CompiledKernel, NativeSession, NativeSessionOptions } from '../addon/binding.js'
import { FILES, type Files, writeFileWhole } from '../formats/files/write-file.js'

/** A file is the hash of key and code, then the code; its name is the key with this at its end. */
const ENDING = '.kernel'
const HASH_BYTES = 32
/** A version of torchgraft has less than ten kernels for a GPU. A file is some 100 kB. */
const KEPT = 32
const MAX_BYTES = 1 << 22

/**
 * Makes a session. Its kernels for a GPU, which NVRTC takes some tenths of a second to compile, are kept in the user's cache
 * from one process to the next. A cache that cannot be read or written costs that time, and nothing else.
 */
export async function createWithKernels(binding: Pick<Binding, 'createSession'>, options: NativeSessionOptions): Promise<NativeSession> {
  if (options.device === 'cpu') return binding.createSession(options, [])
  const session = await binding.createSession(options, await readKernels())
  await writeKernels(session.compiledKernels)
  return session
}

/** What is whole of what is there. */
export async function readKernels(folder = kernelFolder()): Promise<CompiledKernel[]> {
  const names = await readdir(folder).catch(() => [])
  const kernels = await Promise.all(names.filter((name) => name.endsWith(ENDING)).map((name) => readKernel(folder, name)))
  return kernels.filter((kernel) => kernel !== undefined)
}

/** Writes them, and removes what many others came after: kernels of older versions, and what killed processes have left. */
export async function writeKernels(kernels: readonly CompiledKernel[], folder = kernelFolder(), files: Files = FILES): Promise<void> {
  if (kernels.length === 0) return
  try {
    await mkdir(folder, { recursive: true })
    for (const { key, code } of kernels) await writeFileWhole(join(folder, `${key}${ENDING}`), [hashOf(key, code), code], files)
    for (const path of (await newestFirst(folder)).slice(KEPT)) await rm(path, { force: true })
  } catch {
    // They are compiled again next time.
  }
}

function kernelFolder(): string {
  return join(cacheFolder(), 'kernels')
}

/** undefined where it is damaged, or something else. */
async function readKernel(folder: string, name: string): Promise<CompiledKernel | undefined> {
  const path = join(folder, name)
  try {
    if ((await stat(path)).size > MAX_BYTES) return undefined
    const bytes = await readFile(path)
    const key = name.slice(0, -ENDING.length)
    const code = bytes.subarray(HASH_BYTES)
    return hashOf(key, code).equals(bytes.subarray(0, HASH_BYTES)) ? { key, code } : undefined
  } catch {
    return undefined // another process may have removed it
  }
}

function hashOf(key: string, code: Uint8Array): Buffer {
  return createHash('sha256').update(`${key}\n`).update(code).digest()
}

async function newestFirst(folder: string): Promise<string[]> {
  const found = await Promise.all((await readdir(folder)).map(async (name) => {
    const path = join(folder, name)
    return { path, time: await stat(path).then(({ mtimeMs }) => mtimeMs, () => 0) }
  }))
  return found.sort((a, b) => b.time - a.time).map(({ path }) => path)
}
