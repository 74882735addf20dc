import type { EpochEvent, TrainingEvent } from '../../../src/runs/events.js'
import { withLateNotes } from '../../../src/train/late-notes.js'
import { collect } from '../../helpers/loader.js'

const metrics = { loss: 1, top1: 0, count: 1 }
const epoch = (number: number): EpochEvent => ({ type: 'epoch', epoch: number, train: metrics, val: metrics, improved: false, seconds: 1 })
const stop = { type: 'stop', reason: 'completed', epochs: 2 } as const

async function* of(events: readonly TrainingEvent[]): AsyncGenerator<TrainingEvent> {
  yield* events
}

test.each<[string, TrainingEvent[], string[], TrainingEvent[]]>([
  ['what the first epoch found is told after it, once', [epoch(1), epoch(2), stop], [], [epoch(1), { type: 'note', note: 'slow' }, { type: 'note', note: 'full' }, epoch(2), stop]],
  ['what was told at the start is not told again', [epoch(1), stop], ['slow'], [epoch(1), { type: 'note', note: 'full' }, stop]],
  ['where no epoch ends nothing is asked', [stop], [], [stop]],
])('%s', async (_, events, told, expected) => {
  const session = { deviceNotes: async () => ['slow', 'full'] }
  expect(await collect(withLateNotes(of(events), session, told))).toEqual(expected)
})
