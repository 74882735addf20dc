import { cpus } from 'node:os'
import { type Attempt, hasNvidiaDriver, locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { setUpCommand } from '../../scripts/common/paths.mjs'
import { TorchgraftError } from '../errors.js'
import type { NativeSystem } from './binding.js'
import { loadAddon } from './load.js'
import { packageRoot } from '../package.js'

export interface DoctorReport {
  /** Whether torchgraft can compute here. */
  readonly ok: boolean
  readonly libtorch: { readonly version: string; readonly path: string; readonly source: string; readonly cuda: boolean } | null
  /** Where libtorch was looked for, in order. */
  readonly tried: readonly Attempt[]
  readonly devices: readonly string[]
  readonly processor: { readonly name: string; readonly features: readonly string[]; readonly cores: number }
  /** What `--precision auto` means on the CPU. */
  readonly precision: 'fp32' | 'bf16' | null
  readonly node: string
  /** What the user should do; empty where all is well. */
  readonly advice: readonly string[]
}

/** Looks at what there is to compute with. A broken installation is reported, not thrown. */
export function examine(): DoctorReport {
  const { found, tried } = locateLibtorch({ root: packageRoot() })
  const { system, problem } = trySystem()
  const processors = cpus()
  return {
    ok: system !== undefined,
    libtorch: found ? { version: found.version, path: found.folder, source: found.source, cuda: found.cuda } : null,
    tried,
    devices: system ? ['cpu', ...system.cuda] : [],
    processor: { name: processors[0]?.model.trim() ?? 'unknown', features: system?.features ?? [], cores: processors.length },
    precision: system ? (system.bf16 ? 'bf16' : 'fp32') : null,
    node: process.versions.node,
    advice: [...(problem === undefined ? [] : [problem]), ...(system ? adviseOnGpu(system.cuda, found?.cuda === true) : [])],
  }
}

function trySystem(): { readonly system?: NativeSystem; readonly problem?: string } {
  try {
    return { system: loadAddon().system() }
  } catch (error) {
    if (error instanceof TorchgraftError) return { problem: error.message }
    throw error
  }
}

/** Advice where a GPU is there that is not used, for the notes of every run. */
export function adviseOnGpu(devices: readonly string[], cuda: boolean, driver = hasNvidiaDriver()): string[] {
  if (devices.length > 0) return []
  if (driver && !cuda) {
    const setUp = `TORCHGRAFT_LIBTORCH=cuda ${setUpCommand(packageRoot())}`
    return [`There is an NVIDIA GPU, and this libtorch computes on the CPU only. For the CUDA build: ${setUp}`]
  }
  if (cuda) return ['This libtorch is a CUDA build, and it sees no GPU: check that the NVIDIA driver is installed and new enough (nvidia-smi)']
  return []
}
