import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { visibleDevices } from './device.mjs'

const EVERY_MS = 50

/**
 * Watches the memory of a GPU: by how much it rises above what it is now. It is the whole device's, since a container's
 * processes have other numbers than nvidia-smi's: nothing else may come and go there meanwhile.
 *
 * @param {string} device @param {NodeJS.ProcessEnv} env
 * @returns {Promise<() => number>} ends the watch, and gives the peak in bytes
 */
export async function watchGpuMemory(device, env) {
  const id = visibleDevices(device, env)
  const args = ['--query-gpu=memory.used', '--format=csv,noheader,nounits', '-i', id, '-lms', String(EVERY_MS)]
  const child = spawn('nvidia-smi', args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  /** @type {number[]} */
  const seen = []
  await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => reject(new Error('nvidia-smi tells of no memory')))
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (/^\d+$/.test(line.trim())) seen.push(Number(line))
      if (seen.length > 0) resolve(undefined)
    })
  })
  return () => {
    child.kill()
    return (Math.max(...seen) - /** @type {number} */ (seen[0])) * 2 ** 20
  }
}
