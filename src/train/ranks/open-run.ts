import type { Local } from '../../options/local-path.js'
import type { TrainOptions } from '../../recipes/options.js'
import type { Device } from '../../session/options.js'
import { resumeRun } from '../resume/resume-run.js'
import { type Run, startRun } from '../run.js'
import { agreeOnOptions } from './agree-options.js'
import { followRun } from './follow-run.js'
import type { Place } from './place.js'
import { asRestart } from './restart.js'

/** The run that is asked for, begun or resumed; on a rank that is not 0, the one that rank 0 has. */
export async function openRun(place: Place, given: Local<TrainOptions>): Promise<Run> {
  const options = place.computing && given.device !== undefined ? { ...given, device: kindOf(given.device) } : given
  await agreeOnOptions(place.ranks, options)
  if (place.ranks.rank > 0) return followRun(options, place)
  const asked = await asRestart(options)
  return asked.resume === true ? resumeRun(asked, place) : startRun(asked, place)
}

/** Of several ranks each has a device of its own: what they have in common. */
function kindOf(device: Device): Device {
  return device.startsWith('cuda') ? 'cuda' : device
}
