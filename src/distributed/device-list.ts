import { argumentError } from '../errors.js'

/** Devices that one command line trains on: so many processes on the CPU, all GPUs, or the GPUs of a list. */
export type DeviceList =
  | { readonly type: 'cpu'; readonly count: number }
  | { readonly type: 'cuda'; readonly indices: readonly number[] | 'all' }

const MOST_CPU_RANKS = 1024
const CPUS = /^cpu:(\d{1,4})$/
const GPUS = /^cuda:\d{1,4}(?:,cuda:\d{1,4})+$/

/**
 * Parses `cpu:2`, `cuda:all` and `cuda:0,cuda:1`; undefined where `text` is no list.
 *
 * @throws ERR_ARGUMENT for a list that names no device, or one twice
 */
export function parseDeviceList(text: string): DeviceList | undefined {
  if (text === 'cuda:all') return { type: 'cuda', indices: 'all' }
  const count = CPUS.exec(text)?.[1]
  if (count !== undefined) {
    if (Number(count) >= 1 && Number(count) <= MOST_CPU_RANKS) return { type: 'cpu', count: Number(count) }
    throw argumentError(`cpu:N, with N from 1 to ${MOST_CPU_RANKS},`, 'device', text)
  }
  if (!GPUS.test(text)) return undefined
  const indices = text.split(',').map((device) => Number(device.slice('cuda:'.length)))
  if (new Set(indices).size < indices.length) throw argumentError('GPUs that differ', 'device', text)
  return { type: 'cuda', indices }
}

/** The device of each rank. @param gpus that there are; asked for where all are wanted */
export function devicesOf(list: DeviceList, gpus: () => number): readonly string[] {
  if (list.type === 'cpu') return Array.from({ length: list.count }, () => 'cpu')
  const indices = list.indices === 'all' ? Array.from({ length: gpus() }, (_, i) => i) : list.indices
  return indices.map((index) => `cuda:${index}`)
}
