import { fileURLToPath } from 'node:url'
import { loadAddon } from '../addon/load.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { type DeviceList, devicesOf, parseDeviceList } from '../distributed/device-list.js'
import { blameOf } from '../distributed/join.js'
import { launch } from '../distributed/launch.js'
import { endWithLauncher, isLaunched, reportToLauncher } from '../distributed/launched.js'
import { rankEnvironment } from '../distributed/rank-environment.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { printable } from '../text/format.js'
import { prose } from '../text/prose.js'
import { EXIT, type Streams } from './command.js'

const PROGRAM = fileURLToPath(new URL('../../scripts/torchgraft.mjs', import.meta.url))
/** A step that waits for a rank that does not answer keeps a failed process alive for so long, and no longer. */
const END_WITHIN_MS = 3_000
const SILENT = { write: () => true }

/** A training command in its place: one process, or one rank of several. */
export interface CommandPlace {
  /** What this process computes on; undefined where nothing was asked for. */
  readonly device: string | undefined
  /** Rank 0's are the terminal's; the others say nothing. */
  readonly streams: Streams
}

/**
 * Where this process stands. One that was asked for several devices starts a process for each, with the same command line, and waits
 * for them.
 *
 * @returns the exit code where other processes have done the work
 * @throws ERR_ARGUMENT
 */
export async function placeOrLaunch(device: string | undefined, streams: Streams): Promise<CommandPlace | number> {
  const list = device === undefined ? undefined : parseDeviceList(device)
  const environment = rankEnvironment()
  if (isLaunched()) endWithLauncher()
  else if (list) {
    if (environment) throw argumentError('one device, since the environment names a rank already,', 'device', device)
    const devices = await namesOf(list)
    if (devices.length > 1) return launchAll(devices.length, streams)
    return { device: devices[0], streams }
  }
  const own = list && environment ? (await namesOf(list))[environment.localRank] : device
  return { device: own, streams: environment && environment.rank > 0 ? { stdout: SILENT, stderr: SILENT } : streams }
}

/** @throws ERR_DEVICE where there is no GPU of all */
async function namesOf(list: DeviceList): Promise<readonly string[]> {
  if (list.type === 'cuda') await setUpAtFirstUse()
  const names = devicesOf(list, () => loadAddon().system().cuda.length)
  if (names.length > 0) return names
  throw new TorchgraftError('ERR_DEVICE', 'cuda:all was requested, but this libtorch finds no CUDA device. Run "torchgraft doctor" to see why, or use device cpu')
}

async function launchAll(count: number, { stderr }: Streams): Promise<number> {
  const { code, message } = await launch([PROGRAM, ...process.argv.slice(2)], count)
  for (const line of message?.split('\n') ?? []) stderr.write(`${prose(`torchgraft: ${printable(line)}`, stderr)}\n`)
  return code
}

/**
 * Whether somebody else tells people why this rank fails: its launcher, or another rank.
 *
 * @returns the exit code then
 */
export async function reportedElsewhere(error: unknown): Promise<number | undefined> {
  const blame = blameOf(error)
  if (!blame) return undefined
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), END_WITHIN_MS).unref()
  if (!isLaunched()) return blame.toldByAnother ? EXIT.failed : undefined
  if (!blame.ofAnother) return undefined
  await reportToLauncher({ message: (error as Error).message })
  return EXIT.failed
}
