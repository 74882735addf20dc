import { join } from 'node:path'
import type { CheckpointStore, CheckpointWriter, Savable } from '../../runs/checkpoint-store.js'
import { writeTorchCheckpoint } from '../../runs/torch-checkpoint.js'

const BEST_MODEL_PTH = 'best_model.pth'

/** A store that writes, before each `best`, what the notebook saves: `best_model.pth`, `{'state_dict', 'optimizer'}`. */
export function withBestModelPth(store: CheckpointStore): CheckpointWriter {
  return {
    saveLast: (state, metadata) => store.saveLast(state, metadata),
    saveBest: async (state, metadata) => {
      await writeBestModelPth(store.folder, state)
      return store.saveBest(state, metadata)
    },
  }
}

async function writeBestModelPth(folder: string, state: Savable): Promise<void> {
  const optimizer = state.describeOptimizer?.()
  const training = new Map([...(await state.trainingState())].filter(([name]) => name.startsWith('optimizer.')))
  const model = await state.stateDict()
  await writeTorchCheckpoint(join(folder, BEST_MODEL_PTH), { model, training, ...(optimizer && { optimizer }) })
}
