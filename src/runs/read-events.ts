import { existsSync } from 'node:fs'
import { parseJson } from '../formats/parse-json.js'
import { readLines } from '../formats/files/read-lines.js'
import type { TrainingEvent } from './events.js'

/** The last position in `events.jsonl`. */
export interface LoggedPosition {
  /** Finished epochs, and steps of the next. */
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
  for await (const line of readLines(path)) {
    const event = parse(line)
    if (!event) unreadable++
    else if (event.type === 'step') position = { epoch: event.epoch - 1, step: event.step }
    else if (event.type === 'epoch') position = { epoch: event.epoch, step: 0 }
    else if (event.type === 'resume') position = { epoch: event.epoch - 1, step: event.step }
  }
  return { ...position, unreadable }
}

/** The fields that hold the position of each kind of event that has one. */
const PLACED: Readonly<Partial<Record<string, readonly ('epoch' | 'step')[]>>> = {
  step: ['epoch', 'step'], epoch: ['epoch'], resume: ['epoch', 'step'],
}

function parse(line: string): TrainingEvent | undefined {
  try {
    const value = parseJson(line) as (TrainingEvent & Partial<LoggedPosition>) | null
    if (typeof value?.type !== 'string') return undefined
    const placed = PLACED[value.type]?.every((name) => Number.isSafeInteger(value[name])) ?? true
    return placed ? value : undefined
  } catch {
    return undefined
  }
}
