import { TorchgraftError } from '../../errors.js'
import type { Ranks } from '../../distributed/ranks.js'
import type { Local } from '../../options/local-path.js'
import type { TrainOptions } from '../../recipes/options.js'

/** What may differ from machine to machine, or is rank 0's to know. */
const OWN: ReadonlySet<string> = new Set<keyof TrainOptions>([
  'data', 'output', 'weights', 'device', 'threads', 'resume', 'saveEveryMinutes', 'signal', 'onEvent', 'onProgress',
])

/** Whether all ranks were given the same options. @throws ERR_DISTRIBUTED, naming the rank and the option */
export async function agreeOnOptions(ranks: Ranks, options: Local<TrainOptions>): Promise<void> {
  const isShared = ([name, value]: readonly [string, unknown]): boolean => !OWN.has(name) && value !== undefined && !isPath(name, value)
  const own = Object.fromEntries(Object.entries(options).filter(isShared))
  const [first = {}, ...others] = await ranks.gather<Readonly<Record<string, unknown>>>('the options', own)
  for (const [i, other] of others.entries()) {
    const name = Object.keys({ ...first, ...other }).find((each) => JSON.stringify(first[each]) !== JSON.stringify(other[each]))
    if (name === undefined) continue
    const [was, is] = [first[name], other[name]].map((value) => (value === undefined ? 'none' : JSON.stringify(value)))
    throw new TorchgraftError('ERR_DISTRIBUTED', (option) => `Rank ${i + 1} was started with other options than rank 0: ${option(name)} is ${is}, not ${was}. Start all ranks with the same ones`)
  }
}

function isPath(name: string, value: unknown): boolean {
  return name === 'val' && typeof value === 'string'
}
