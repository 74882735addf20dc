// The peers' Python: made the first time, in a folder of its own, with versions that stay.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError } from '../../scripts/setup/errors.mjs'
import { runCommand } from '../../scripts/setup/run-command.mjs'

const TORCH = '2.13.0'
/** Off Linux the plain name is the CPU build. */
const WANTED = [`torch==${TORCH}${process.platform === 'linux' ? '+cpu' : ''}`, 'numpy==2.4.6', 'Pillow==13.0.0', 'onnx==1.23.2', 'onnxruntime==1.32.0']
/** By itself: it would ask for the CUDA build of torch, for operators that RegNet has no need of. */
const ALONE = ['torchvision==0.28.0']
const COST = 'about 250 MB to download, 1.1 GB on disk, 1 to 5 minutes'

/**
 * @param {string} folder where it lies, or will
 * @param {(line: string) => void} tell
 * @returns {Promise<string>} its interpreter
 * @throws {SetupError}
 */
export async function pythonEnvironment(folder, tell) {
  const python = join(folder, 'bin', 'python')
  const stamp = join(folder, 'complete.json')
  const contents = JSON.stringify([...WANTED, ...ALONE])
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === contents && runs(python)) return python
  const maker = ['python3', 'python'].find((name) => spawnSync(name, ['-m', 'venv', '--help']).status === 0)
  if (!maker) throw new SetupError('The bench compares torchgraft with PyTorch, and there is no Python with venv to run that: install Python 3.11 or newer.')
  tell(`The first bench makes a Python environment for the peers in ${folder}: ${COST} …`)
  const began = performance.now()
  const log = `${folder}.log`
  const run = (/** @type {string} */ command, /** @type {readonly string[]} */ args) => runCommand(command, args, { cwd: '.', log })
  rmSync(folder, { recursive: true, force: true })
  await run(maker, ['-m', 'venv', folder])
  const install = ['-m', 'pip', 'install', '--disable-pip-version-check', '--only-binary=:all:']
  await run(python, [...install, ...WANTED])
  await run(python, [...install, '--no-deps', ...ALONE])
  writeFileSync(stamp, contents)
  tell(`Made in ${Math.round((performance.now() - began) / 1000)} s.`)
  return python
}

/** @param {string} python */
function runs(python) {
  return spawnSync(python, ['-c', '']).status === 0
}
