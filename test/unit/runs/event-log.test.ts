import { appendFile, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EventLog } from '../../../src/runs/event-log.js'
import { readLoggedPosition } from '../../../src/runs/read-events.js'
import type { TrainingEvent } from '../../../src/runs/events.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const step = (epoch: number, step: number): TrainingEvent => ({ type: 'step', epoch, step, loss: 1, lr: 1, scale: 1, imagesPerSecond: 1 })
const epoch = (epoch: number): TrainingEvent => ({ type: 'epoch', epoch, train: { loss: 1, top1: 1 }, val: { loss: 1, top1: 1, count: 1 }, improved: true, seconds: 1 })
const resume = (epoch: number, step: number): TrainingEvent => ({ type: 'resume', epoch, step, from: 'last.safetensors', finished: false })

async function write(path: string, events: readonly TrainingEvent[], now?: () => Date): Promise<void> {
  await using log = await EventLog.open(path, now)
  for (const event of events) await log.write(event)
  await log.sync()
}

const lines = async (path: string): Promise<{ time: string; step: number }[]> => (await readFile(path, 'utf8')).split('\n').slice(0, -1).map((line) => JSON.parse(line) as { time: string; step: number })

describe('EventLog', () => {
  test.each([1, 20, 100, 200_000])('goes on after the last whole line, where a crash has left %d bytes of another', async (length) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'events.jsonl')
    await write(path, [step(1, 1), step(1, 2)])
    await appendFile(path, `{"type":"${'x'.repeat(length)}`)
    await write(path, [step(1, 3)])
    expect((await lines(path)).map(({ step }) => step)).toEqual([1, 2, 3])
  })

  test('drops a first line that was cut', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'events.jsonl')
    await write(path, [step(1, 1)])
    await truncate(path, 10)
    await write(path, [step(1, 2)])
    expect((await lines(path)).map(({ step }) => step)).toEqual([2])
  })

  test('keeps the order of what happened where the clock is set back, and tells what it said', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'events.jsonl')
    const times = [new Date('2030-01-01T00:00:00Z'), new Date('2001-01-01T00:00:00Z')]
    await write(path, [step(1, 1), step(1, 2)], () => times.shift()!)
    expect(await lines(path)).toMatchObject([{ step: 1, time: '2030-01-01T00:00:00.000Z' }, { step: 2, time: '2001-01-01T00:00:00.000Z' }])
    expect(await readLoggedPosition(path)).toEqual({ epoch: 0, step: 2, unreadable: 0 })
  })

  test('a folder that is not there is ERR_WRITE', async () => {
    await using folder = await temporaryFolder()
    await expect(EventLog.open(join(folder.path, 'no', 'events.jsonl'))).rejects.toMatchObject({ code: 'ERR_WRITE' })
  })
})

describe('readLoggedPosition', () => {
  test.each([
    ['steps', [step(1, 1), step(1, 2)], { epoch: 0, step: 2 }],
    ['an epoch’s end', [step(1, 1), epoch(1)], { epoch: 1, step: 0 }],
    ['the next epoch', [epoch(1), step(2, 1)], { epoch: 1, step: 1 }],
    ['a run that was resumed before where it had been', [epoch(1), step(2, 1), step(2, 2), resume(2, 0)], { epoch: 1, step: 0 }],
    ['nothing', [], { epoch: 0, step: 0 }],
  ] as const)('tells of %s', async (_, events, expected) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'events.jsonl')
    await write(path, events)
    expect(await readLoggedPosition(path)).toEqual({ ...expected, unreadable: 0 })
  })

  test('passes over lines that are no events, and counts them', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'events.jsonl')
    await writeFile(path, `null\n${JSON.stringify(step(3, 4))}\nnonsense\n{"type":"st`)
    expect(await readLoggedPosition(path)).toEqual({ epoch: 2, step: 4, unreadable: 3 })
    await rm(path)
    expect(await readLoggedPosition(path)).toBeUndefined()
  })

  test.each([
    ['positions that are no numbers', '{"type":"step","epoch":{},"step":[[]]}\n{"type":"epoch","epoch":"9"}'],
    ['brackets without end', '['.repeat(100_000)],
    ['events of no known name', '{"type":["step"]}\n{"type":"constructor","epoch":9}'],
    ['lines of megabytes', `${JSON.stringify({ type: 'epoch', epoch: 9, more: 'x'.repeat(1 << 21) })}\n${'x'.repeat(1 << 21)}`],
  ])('passes over %s', async (_, lines) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'events.jsonl')
    await writeFile(path, `${JSON.stringify(step(3, 4))}\r\n${lines}\n`)
    expect(await readLoggedPosition(path)).toEqual({ epoch: 2, step: 4, unreadable: lines.split('\n').length })
  })
})
