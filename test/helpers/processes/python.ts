import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ROOT } from './child.js'

const FOLDER = fileURLToPath(new URL('../../parity', import.meta.url))

/** A Python that has torch, torchvision and safetensors: the one named, the one that CI makes, or the shell's. */
export function findPython(): string | undefined {
  const candidates = [process.env['TORCHGRAFT_PYTHON'], join(ROOT, '.torchgraft', 'python', 'bin', 'python'), 'python3']
  const works = (python: string): boolean => spawnSync(python, ['-c', 'import torch, safetensors, numpy; from generator.formula import build'], { cwd: FOLDER }).status === 0
  return candidates.find((python) => python !== undefined && python !== '' && works(python))
}

/** Runs a script of the parity tests, and takes what it prints for JSON. */
export async function runPython(python: string, ...args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(python, args, { cwd: FOLDER, maxBuffer: 1 << 26 })
  return stdout.trim() === '' ? undefined : JSON.parse(stdout)
}
