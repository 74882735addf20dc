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
 * Takes a device into use while something else is done, such as reading the data: opens libtorch on another thread, then makes a GPU's
 * context and opens what multiplies on it. It reports nothing: what needs them will.
 */
export async function warmUp(device: Device, { preload, addon }: Computing = HERE): Promise<void> {
  try {
    await preload()
    if (device === 'cpu') return
    const binding = addon()
    const where = resolveDevice(device, binding.system())
    if (where !== 'cpu') await binding.warmUp(where)
  } catch {
    // Slower, and no harm.
  }
}
