import type { Batch } from '../loader/batch.js'
import { loadAddon } from '../addon/load.js'
import { Session, type TrainStepResult } from '../session/session.js'
import { MEMORY_FORMATS, type MemoryFormat, type SessionOptions } from '../session/options.js'

export interface FormatChoice {
  readonly memoryFormat: MemoryFormat
  /** Training speed in each. */
  readonly imagesPerSecond: Readonly<Record<MemoryFormat, number>>
}

export interface ChosenFormat {
  readonly memoryFormat: MemoryFormat
  /** About it, for the user. */
  readonly notes: readonly string[]
}

interface Timed {
  trainStep(batch: Batch): Promise<TrainStepResult>
}

interface Tried extends Timed, AsyncDisposable {
  deviceNotes(): Promise<readonly string[]>
}

/** Where formats are tried: the addon's GPUs and sessions, which a test stands in for. */
interface Trial {
  readonly hasGpu: () => boolean
  readonly createSession: (options: SessionOptions) => Promise<Tried>
}

const HERE: Trial = {
  hasGpu: () => loadAddon().system().cuda.length > 0,
  createSession: (options) => Session.create(options),
}

/** The first steps choose algorithms and take memory from the system. */
const WARM_UP = 5
const TIMED = 10

/**
 * NHWC on a CPU, and on a GPU in bf16 and fp16: its tensor cores multiply that, and the addon's kernels take nothing else. With them an
 * H200 trains 5,299 images/s in NHWC and 3,501 in NCHW (RegNetY-400MF, bf16). Where libtorch's operations compute alone, or in fp32,
 * neither is always the faster: a few steps of each on a made batch, once, at a run's start; a resumed run names what was found then.
 */
export async function chooseMemoryFormat(
  options: SessionOptions, sizes: { readonly batchSize: number; readonly size: number }, { hasGpu, createSession }: Trial = HERE,
): Promise<ChosenFormat> {
  const { device = 'auto', memoryFormat, kernels, precision } = options
  const isOpen = memoryFormat === undefined && (kernels === 'plain' || precision === 'fp32')
  if (!isOpen || device === 'cpu' || !hasGpu()) return { memoryFormat: memoryFormat ?? 'channels_last', notes: [] }
  const batch = greyBatch(sizes.batchSize, sizes.size)
  const notes = new Set<string>()
  const choice = await fasterFormat(async (format) => {
    await using session = await createSession({ ...options, memoryFormat: format })
    const speed = await timeSteps(session, batch) // the promise alone would let the session be disposed of before its first step
    for (const note of await session.deviceNotes()) notes.add(note)
    return speed
  })
  const speeds = Object.entries(choice.imagesPerSecond).map(([format, speed]) => `${format} ${speed.toFixed(0)}`)
  const measured = `Memory format ${choice.memoryFormat}, measured in images a second: ${speeds.join(', ')}.`
  return { memoryFormat: choice.memoryFormat, notes: [measured, ...notes] }
}

/** Measures one after the other, so that they do not share the GPU. */
export async function fasterFormat(measure: (format: MemoryFormat) => Promise<number>): Promise<FormatChoice> {
  const speeds: Partial<Record<MemoryFormat, number>> = {}
  for (const format of MEMORY_FORMATS) speeds[format] = await measure(format)
  const imagesPerSecond = speeds as Record<MemoryFormat, number>
  const memoryFormat = imagesPerSecond.contiguous > imagesPerSecond.channels_last ? 'contiguous' : 'channels_last'
  return { memoryFormat, imagesPerSecond }
}

/**
 * Images a second, from one read of the sums to another, so that the backward pass of each step in between is in it. The
 * steps before have become a CUDA graph on a GPU.
 */
export async function timeSteps(session: Timed, batch: Batch, now: () => number = () => performance.now()): Promise<number> {
  for (let step = 0; step < WARM_UP; step++) await session.trainStep(batch)
  const began = now()
  for (let step = 0; step < TIMED; step++) await session.trainStep(batch)
  return (TIMED * batch.size * 1000) / (now() - began)
}

function greyBatch(count: number, size: number): Batch {
  return {
    size: count,
    step: 0,
    indices: new Int32Array(count),
    labels: new Int32Array(count),
    images: {
      pixels: new Uint8Array(count * size * size * 3).fill(128),
      shapes: new Int32Array(count * 2).fill(size),
      plans: Array.from({ length: count }, () => ({ geometry: [1, 0, 0, 0, 1, 0] as const })),
      output: size,
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
    },
  }
}
