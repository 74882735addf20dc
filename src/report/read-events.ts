import { createReadStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { TrainingEvent } from '../train/events.js'

/** How far `events.jsonl` tells of a run. */
export interface LoggedPosition {
  /** Epochs that are over, and steps of the next. */
  readonly epoch: number
  readonly step: number
  /** Lines that are no events. */
  readonly unreadable: number
}

/** Reads how far a run's log has come, minding that a resumed run does steps again. A last line may be cut short. */
export async function readLoggedPosition(path: string): Promise<LoggedPosition | undefined> {
  if (!existsSync(path)) return undefined
  let position = { epoch: 0, step: 0 }
  let unreadable = 0
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const event = parse(line)
    if (!event) unreadable++
    else if (event.type === 'step') position = { epoch: event.epoch - 1, step: event.step }
    else if (event.type === 'epoch') position = { epoch: event.epoch, step: 0 }
    else if (event.type === 'resume') position = { epoch: event.epoch - 1, step: event.step }
  }
  return { ...position, unreadable }
}

function parse(line: string): TrainingEvent | undefined {
  try {
    const value = JSON.parse(line) as TrainingEvent | null
    return typeof value?.type === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
