import { join } from 'node:path'
import { TorchgraftError } from '../../errors.js'
import type { ResolvedOptions } from '../../recipes/options.js'
import type { LastCheckpoint } from '../../runs/checkpoint-store.js'
import { CONFIG_FILE, readSplitIn, type RunSplit, SPLIT_FILE } from '../../runs/run-folder.js'
import { BEFORE } from './options.js'
import { difference } from './splits.js'

/** Options that change the numbers of training, but neither the images nor the model's shape: `last` keeps them, to compare. */
const SETTINGS = [
  'recipe', 'batchSize', 'size', 'progressiveResizing', 'lr', 'seed', 'monitor', 'patience', 'freeze', 'classWeights', 'meanStd', 'kernels',
] as const satisfies readonly (keyof ResolvedOptions)[]

export function settingsOf(resolved: ResolvedOptions): Readonly<Record<string, unknown>> {
  const { syncBatchNorm } = resolved
  return { ...Object.fromEntries(SETTINGS.map((name) => [name, resolved[name]])), ...(syncBatchNorm && { syncBatchNorm }) }
}

/** Whether a saved position was trained with these options. @throws ERR_RESUME_MISMATCH, naming the option */
export function checkSettings(folder: string, { file, metadata: { settings } }: LastCheckpoint, resolved: ResolvedOptions): void {
  const saved: Readonly<Record<string, unknown>> = { ...BEFORE, ...settings }
  for (const [name, now] of Object.entries(settings ? { syncBatchNorm: false, ...settingsOf(resolved) } : {})) {
    const before = JSON.stringify(saved[name])
    if (before === JSON.stringify(now)) continue
    const what = `${join(folder, CONFIG_FILE)} says ${name} ${JSON.stringify(now)}, but ${file} was trained with ${before}`
    throw new TorchgraftError('ERR_RESUME_MISMATCH', `${what}: put it back as it was`, { path: folder })
  }
}

export interface RunContents {
  readonly resolved: ResolvedOptions
  /** Of all images and their labels. */
  readonly fingerprint: string
  readonly split: RunSplit
}

/**
 * Whether a saved position belongs to these options and images. The model files hold the fingerprint of the images, the
 * split holds their order in each set.
 *
 * @returns notes for the user where `split.json` cannot be read
 * @throws ERR_DATA_CHANGED, ERR_RESUME_MISMATCH
 */
export async function checkSame(folder: string, last: LastCheckpoint, { resolved, fingerprint, split }: RunContents): Promise<string[]> {
  checkSettings(folder, last, resolved)
  if (last.metadata.data?.fingerprint !== fingerprint) {
    throw changed(folder, 'The images are not those that this run began with, so it cannot be resumed. Put them back')
  }
  try {
    const before = await readSplitIn(folder)
    if (!before) return [`${SPLIT_FILE} is missing, and is written again from the images, which are those that the run began with.`]
    const moved = difference(before, split)
    if (moved === undefined) return []
    throw changed(folder, `The images have other names or places than when this run began (${moved}), and their names decide the order of training. Put the names back`)
  } catch (error) {
    if (!(error instanceof TorchgraftError) || error.code !== 'ERR_FILE_FORMAT') throw error
    return [`${error.message}. It is written again from the images, which are those that the run began with.`]
  }
}

function changed(folder: string, what: string): TorchgraftError {
  const message = (weights: string): string => `${what}, or start a new run from its best.safetensors (${weights})`
  return new TorchgraftError('ERR_DATA_CHANGED', (option) => message(option('weights')), { path: folder })
}
