import { type CpuCapability, missingInstructions, processorFeatures } from '../../../src/addon/processor.js'

/** Why libtorch cannot be held to a level of instructions here, which would end the process by SIGILL; undefined where it can. */
export function cannotHold(level: CpuCapability, features = processorFeatures()): string | undefined {
  if (level === 'default') return undefined
  if (!features) return 'which instructions this processor has is told by Linux on x86-64 alone'
  const missing = missingInstructions(level, features)
  return missing.length === 0 ? undefined : `this processor has no ${missing.join(', ')}`
}
