import { loadAddon, preloadLibtorch } from '../addon/load.js'
import type { Binding, NativeSystem } from '../addon/binding.js'
import type { Device } from './options.js'
import { resolveDevice } from './resolve-options.js'

/** What is warmed up: a test stands in for it. */
interface Computing {
  readonly preload: () => Promise<void>
  readonly addon: () => Pick<Binding, 'warmUp'> & { system(): Pick<NativeSystem, 'cuda'> }
}

const HERE: Computing = { preload: preloadLibtorch, addon: loadAddon }

/**
 * Does something else, such as reading the data, while a device is taken into use: libtorch is opened on another thread, then a GPU's
 * context is made and what multiplies on it opened. That it fails is told by what needs it; where the work fails, it is let be.
 */
export async function whileWarmingUp<T>(device: Device, work: () => Promise<T>, computing: Computing = HERE): Promise<T> {
  const abandoned = new AbortController()
  void warmUp(device, computing, abandoned.signal)
  try {
    return await work()
  } catch (error) {
    abandoned.abort()
    throw error
  }
}

async function warmUp(device: Device, { preload, addon }: Computing, abandoned: AbortSignal): Promise<void> {
  try {
    await preload()
    if (device === 'cpu' || abandoned.aborted) return
    const binding = addon()
    const where = resolveDevice(device, binding.system())
    if (where !== 'cpu') await binding.warmUp(where)
  } catch {
    // Slower, and no harm.
  }
}
