import { setUpAtFirstUse } from '../../addon/first-use.js'
import type { TrainVal } from '../../datasets/describe-splits.js'
import { argumentError } from '../../errors.js'
import type { Local } from '../../options/local-path.js'
import { RECIPE_OF } from '../../recipes/by-name.js'
import type { TrainOptions } from '../../recipes/options.js'
import { type CheckpointWriter, type LastCheckpoint, separateState } from '../../runs/checkpoint-store.js'
import { type RunConfig, RunFolder } from '../../runs/run-folder.js'
import type { Session } from '../../session/session.js'
import { whileWarmingUp } from '../../session/warm-up.js'
import type { ResumePoint } from '../fit-options.js'
import { fallbackNotes, logNotes, machineNotes } from '../notes.js'
import { openWeights, type Training } from '../open-training.js'
import { describeData, disposedOnError, disposing, InitialState, type Run, type RunState } from '../run.js'
import { agreeOnData } from '../ranks/agree-data.js'
import { checkBatchSize } from '../ranks/batch-size.js'
import type { Place } from '../ranks/place.js'
import { checkSame } from './check-same.js'
import { reconcileBest } from './reconcile-best.js'
import { resumedConfig } from './saved-config.js'
import { trainValOfRun } from './splits.js'

/**
 * Opens the run in `output`, to go on from its newest position, or from its beginning where none was saved.
 *
 * @throws ERR_ARGUMENT, ERR_RUN_LOCKED, ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_RESUME_MISMATCH, ERR_DATA_CHANGED
 */
export async function resumeRun(options: Local<TrainOptions>, { ranks, computing: ofRank }: Place): Promise<Run> {
  const { output, signal } = options
  await setUpAtFirstUse()
  if (output === undefined) throw argumentError('the run folder to resume', 'output', output)
  const folder = await RunFolder.reopen(output)
  return disposedOnError(folder, async () => {
    const config = await folder.readConfig()
    const { resolved, data, computing, meanStd } = resumedConfig(folder.path, config, options)
    checkBatchSize(resolved, ranks)
    const beginning = { data, output: folder.path, resolved }
    await ranks.fromFirst('the run', () => beginning)
    const recipe = RECIPE_OF[resolved.recipe]
    const open = (): Promise<TrainVal> => trainValOfRun(folder.path, data, () => recipe.openTrainVal(data, resolved, signal), signal)
    const sets = await whileWarmingUp(ofRank?.device ?? computing.device ?? resolved.device, open)
    const training = { recipe, resolved, sets }
    const described = describeData(data, training)
    await agreeOnData(ranks, data, described.split)
    const common = { ...training, ...described, ...beginning, folder, computing }

    const last = await folder.checkpoints.last()
    if (!last) {
      const weights = await openWeights(resolved)
      return { ...common, meanStd, state: new InitialState(training, weights), ...disposing(weights, folder) }
    }
    const same = await checkSame(folder.path, last, { resolved, fingerprint: described.images.fingerprint, split: described.split })
    const notes = [...same, ...(await logNotes(folder, last))]
    const state = new CheckpointState(training, folder, { config, last, notes, worldSize: ranks.worldSize })
    return { ...common, meanStd: last.metadata, state, ...disposing(null, folder) }
  })
}

interface Saved {
  readonly config: RunConfig<unknown>
  readonly last: LastCheckpoint
  /** About what was found in the folder. */
  readonly notes: readonly string[]
  /** Ranks that go on with it. */
  readonly worldSize: number
}

/** The state in a `last` file. */
class CheckpointState implements RunState {
  readonly loads = ['model', 'training'] as const
  readonly #training: Training
  readonly #folder: RunFolder
  readonly #saved: Saved

  constructor(training: Training, folder: RunFolder, saved: Saved) {
    this.#training = training
    this.#folder = folder
    this.#saved = saved
  }

  get weights(): RunState['weights'] {
    return this.#saved.last.metadata.weights ?? null
  }

  prepare(): Promise<void> {
    return Promise.resolve() // the recipe has done so before training began
  }

  async load(session: Session): Promise<readonly string[]> {
    const { config, last, notes, worldSize } = this.#saved
    const { model, training } = separateState(last.tensors)
    await session.loadStateDict(model)
    await session.loadTrainingState(training)
    return [...fallbackNotes(last), ...notes, ...machineNotes(config, { threads: session.threads, worldSize })]
  }

  async resumePoint(writer: CheckpointWriter): Promise<{ readonly point: ResumePoint; readonly notes: readonly string[] }> {
    const { last } = this.#saved
    const { best, notes } = await reconcileBest(this.#folder.checkpoints, writer, last, this.#training.resolved.monitor)
    return { point: { from: last.file, metadata: { ...last.metadata, best } }, notes }
  }
}
