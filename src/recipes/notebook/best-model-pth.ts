import { join } from 'node:path'
import type { CheckpointStore, Savable, SavedFile } from '../../runs/checkpoint-store.js'
import { writeTorchCheckpoint } from '../../runs/torch-checkpoint.js'

export const BEST_MODEL_PTH = 'best_model.pth'

/** A store that writes, before each `best`, what the notebook saves: `best_model.pth`, `{'state_dict', 'optimizer'}`. */
export function withBestModelPth(store: CheckpointStore): Pick<CheckpointStore, 'save'> {
  return {
    save: async (name: 'best' | 'last', state: Savable, metadata: never): Promise<SavedFile> => {
      if (name === 'best') await writeBest(store.folder, state)
      return store.save(name as 'best', state, metadata)
    },
  }
}

async function writeBest(folder: string, state: Savable): Promise<void> {
  const optimizer = state.describeOptimizer?.()
  const training = [...(await state.trainingState())].filter(([name]) => name.startsWith('optimizer.'))
  await writeTorchCheckpoint(join(folder, BEST_MODEL_PTH), { model: await state.stateDict(), training: new Map(training), ...(optimizer && { optimizer }) })
}
