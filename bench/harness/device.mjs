// The GPU that a bench is of: what it is called, and what is missing where there is none.
import { spawnSync } from 'node:child_process'
import { SetupError } from '../../scripts/setup/errors.mjs'
import { whatIsMissing } from './python.mjs'

/** @typedef {import('../types.d.mts').Gpu} Gpu */
/** @typedef {import('../types.d.mts').Python} Python */

/** What the peers import on a GPU; onnx and onnxruntime besides, where they are there. */
export const PEERS_IMPORT = ['torch', 'torchvision', 'numpy', 'PIL']

/**
 * The value of CUDA_VISIBLE_DEVICES with which a program sees one device alone: of those that are visible here, or none.
 *
 * @param {string} device cpu or cuda:N @param {NodeJS.ProcessEnv} env
 */
export function visibleDevices(device, env) {
  if (device === 'cpu') return ''
  const index = device.slice('cuda:'.length)
  return env['CUDA_VISIBLE_DEVICES']?.split(',')[Number(index)]?.trim() || index
}

/**
 * What nvidia-smi says of a GPU.
 *
 * @param {string} device @param {NodeJS.ProcessEnv} env
 * @returns {Gpu | { readonly error: string }}
 */
export function askGpu(device, env) {
  const args = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader,nounits', '-i', visibleDevices(device, env)]
  const { status, stdout, stderr, error } = spawnSync('nvidia-smi', args, { env, encoding: 'utf8', timeout: 20_000 })
  if (status !== 0) return { error: error?.message ?? (stdout.trim() || stderr.trim() || `code ${status}`) }
  const [name = '', driver = '', mebibytes = ''] = stdout.trim().split(/\s*,\s*/)
  return { name, driver, memory: Number(mebibytes) * 2 ** 20 }
}

/**
 * Refuses a GPU that is not there, or whose peers cannot be: all that is missing at once, with what to do.
 *
 * @param {object} found
 * @param {string} found.device
 * @param {ReturnType<typeof askGpu>} found.gpu
 * @param {readonly string[]} found.cuda the devices that torchgraft's libtorch sees
 * @param {string} found.libtorch its version
 * @param {Python} found.python
 * @throws {SetupError}
 */
export function requireGpu({ device, gpu, cuda, libtorch, python }) {
  const { command, versions } = python
  const missing = [
    'error' in gpu && `nvidia-smi tells of no such GPU: ${gpu.error}`,
    !cuda.includes(device) && `libtorch ${libtorch} sees ${cuda.join(', ') || 'no CUDA device'}: TORCHGRAFT_LIBTORCH=cuda npm run setup fetches a CUDA build, LIBTORCH_USE_PYTORCH=1 takes that of python3`,
    whatIsMissing(python, PEERS_IMPORT),
    versions['torch'] !== undefined && versions['gpu'] === undefined && `torch ${versions['torch']} of ${command} sees no GPU`,
  ].filter((reason) => typeof reason === 'string' && reason !== '')
  if (missing.length === 0) return
  const peers = 'The peers take a Python with a CUDA build of torch, torchvision, numpy and Pillow: python3, or the one that TORCHGRAFT_PYTHON names.'
  throw new SetupError([`--device ${device} cannot be measured here:`, ...missing.map((reason) => `  - ${reason}`), peers].join('\n'))
}
