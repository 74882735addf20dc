import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { TorchgraftError } from '../errors.js'

/** The values of `ATEN_CPU_CAPABILITY` on x86-64, and the instructions that libtorch's kernels then use. */
export const CPU_CAPABILITIES = {
  default: [],
  avx2: ['avx2', 'fma', 'f16c'],
  avx512: ['avx2', 'fma', 'f16c', 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl'],
} as const

export type CpuCapability = keyof typeof CPU_CAPABILITIES

/**
 * Checks that the processor has the instructions that `ATEN_CPU_CAPABILITY` asks for, which libtorch does not: the process would end
 * by SIGILL. (oneDNN's `ONEDNN_MAX_CPU_ISA` is only an upper limit, so it is safe.)
 *
 * @throws ERR_DEVICE, naming the missing instructions
 */
export function checkCpuCapability(env: NodeJS.ProcessEnv = process.env, features?: ReadonlySet<string>): void {
  const asked = env['ATEN_CPU_CAPABILITY'] ?? ''
  if (!Object.hasOwn(CPU_CAPABILITIES, asked)) return // libtorch warns of it, and goes on
  const present = features ?? processorFeatures()
  if (!present) return
  const missing = missingInstructions(asked as CpuCapability, present)
  if (missing.length === 0) return
  const highest = (['avx2', 'default'] as const).find((level) => missingInstructions(level, present).length === 0)!
  const trouble = `ATEN_CPU_CAPABILITY=${asked} asks libtorch for instructions that this processor does not have (${missing.join(', ')})`
  throw new TorchgraftError('ERR_DEVICE', `${trouble}. Unset it, or set it to ${highest}`)
}

/** The processor's model, as the system names it. */
export function processorName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown'
}

/** The instructions of a level that a processor lacks. */
export function missingInstructions(level: CpuCapability, features: ReadonlySet<string>): string[] {
  return CPU_CAPABILITIES[level].filter((name) => !features.has(name))
}

/** The processor's instructions by Linux's names for them; undefined where Linux on x86-64 is not what runs. */
export function processorFeatures(read: () => string = () => readFileSync('/proc/cpuinfo', 'utf8')): ReadonlySet<string> | undefined {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(read())?.[1]
    return flags === undefined ? undefined : new Set(flags.trim().split(/\s+/))
  } catch {
    return undefined
  }
}
