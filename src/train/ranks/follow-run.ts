import { resolve } from 'node:path'
import { onlyOnRank0 } from '../../distributed/ranks.js'
import type { Local } from '../../options/local-path.js'
import type { ResolvedOptions, TrainOptions } from '../../recipes/options.js'
import type { Session } from '../../session/session.js'
import { openTraining } from '../open-training.js'
import { describeData, type Run, type RunBeginning, type RunState } from '../run.js'
import { agreeOnData } from './agree-data.js'
import type { Place } from './place.js'

/** The run that rank 0 begins or resumes, as another rank has it: without a folder, and with rank 0's options and state. */
export async function followRun(options: Local<TrainOptions>, { ranks }: Place): Promise<Run> {
  const told = await ranks.fromFirst<RunBeginning>('the run', onlyOnRank0)
  const data = options.data === undefined ? told.data : resolve(options.data)
  const resolved: ResolvedOptions = { ...told.resolved, val: typeof options.val === 'string' ? resolve(options.val) : told.resolved.val }
  const training = await openTraining(data, resolved, options.signal)
  const described = describeData(data, training)
  await agreeOnData(ranks, data, described.split)
  const opened = { [Symbol.asyncDispose]: () => Promise.resolve() }
  const common = { ...training, ...described, output: told.output, data, computing: {}, meanStd: undefined }
  return { ...common, folder: undefined, state: new FollowedState(), ...opened }
}

/** What rank 0 loads comes from there with each loading, whatever is loaded here. */
class FollowedState implements RunState {
  readonly weights = null
  readonly loads = [] as const

  prepare(): Promise<void> {
    return Promise.resolve()
  }

  async load(session: Session, loads: RunState['loads']): Promise<readonly string[]> {
    for (const part of loads) {
      if (part === 'model') await session.loadStateDict(new Map(), { strict: false })
      else await session.loadTrainingState(await session.trainingState())
    }
    return []
  }

  resumePoint = onlyOnRank0
}
