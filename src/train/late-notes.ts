import type { TrainingEvent } from '../runs/events.js'

/** Adds, after the first epoch, what its steps found that makes the device slower than it could be. */
export async function* withLateNotes(
  events: AsyncIterable<TrainingEvent>, session: { deviceNotes(): Promise<readonly string[]> }, told: readonly string[],
): AsyncGenerator<TrainingEvent> {
  let asked = false
  for await (const event of events) {
    yield event
    if (event.type !== 'epoch' || asked) continue
    asked = true
    for (const note of await session.deviceNotes()) if (!told.includes(note)) yield { type: 'note', note }
  }
}
