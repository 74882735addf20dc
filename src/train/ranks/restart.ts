import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { restartOf } from '../../distributed/rank-environment.js'
import type { Ranks } from '../../distributed/ranks.js'
import type { Local } from '../../options/local-path.js'
import type { TrainOptions } from '../../recipes/options.js'
import { CONFIG_FILE, defaultRunFolders, readConfigIn, type RunConfig } from '../../runs/run-folder.js'

/** What `config.json` keeps of how a run was started, where it was not by itself. */
export function launchOf({ worldSize }: Ranks): Pick<RunConfig<unknown>, 'worldSize' | 'runId'> {
  const { runId } = restartOf()
  return { ...(worldSize > 1 && { worldSize }), ...(runId !== undefined && { runId }) }
}

/**
 * The options of a start that goes on with a run that its launcher started before: as with `resume`. A launcher says that it starts
 * anew, or its job is the one that the folder's run belongs to.
 */
export async function asRestart(options: Local<TrainOptions>): Promise<Local<TrainOptions>> {
  const { restartCount, runId } = restartOf()
  const { output, data, resume } = options
  if (resume === true || (restartCount === 0 && runId === undefined)) return options
  const folders = output !== undefined ? [output] : data === undefined ? [] : defaultRunFolders(data)
  for (const folder of folders) {
    if (!existsSync(join(folder, CONFIG_FILE))) continue
    const isOurs = runId !== undefined && (await readConfigIn(folder)).runId === runId
    if (isOurs || (output !== undefined && restartCount > 0)) return { ...options, output: folder, resume: true }
  }
  return options
}
