import { loadAddon } from '../addon/load.js'
import type { Device } from './options.js'

/** Whether this is, or `auto` will be, a GPU. */
export function isOnGpu(device: Device): boolean {
  return device !== 'cpu' && loadAddon().system().cuda.length > 0
}
