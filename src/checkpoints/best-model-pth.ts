import { join } from 'node:path'
import type { Session } from '../native/session.js'
import type { CheckpointStore, Savable, SavedFile } from './checkpoint-store.js'
import { writeTorchCheckpoint } from './torch-checkpoint.js'

export const BEST_MODEL_PTH = 'best_model.pth'

/** A store that writes, before each `best`, what the notebook saves: `best_model.pth`, `{'state_dict', 'optimizer'}`. */
export function withBestModelPth(store: CheckpointStore, session: Session): Pick<CheckpointStore, 'save'> {
  return {
    save: async (name: 'best' | 'last', ...rest: [Savable, never]): Promise<SavedFile> => {
      if (name === 'best') await writeBest(store.folder, session)
      return store.save(name as 'best', ...rest)
    },
  }
}

async function writeBest(folder: string, session: Session): Promise<void> {
  const training = [...(await session.trainingState())].filter(([name]) => name.startsWith('optimizer.'))
  await writeTorchCheckpoint(join(folder, BEST_MODEL_PTH), { model: await session.stateDict(), training: new Map(training), optimizer: session.describeOptimizer() })
}
