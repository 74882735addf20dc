import { consoleReport } from '../../../src/report/console.js'
import { duration, percent, printable } from '../../../src/text/format.js'
import type { TrainingEvent } from '../../../src/runs/events.js'

const EVENTS: readonly TrainingEvent[] = [
  { type: 'start', device: 'cpu', precision: 'fp32', precisionReason: 'this processor has no bf16 instructions', model: 'regnet_y_400mf', weights: 'tiny', train: 64, val: 10, epochs: 2, steps: 2, notes: ['A note.'] },
  { type: 'image-skipped', path: 'a\u001b[31m.jpg', code: 'ERR_IMAGE_DECODE', message: 'broken' },
  { type: 'step', epoch: 1, step: 1, loss: 2.5, lr: 0.1, scale: 1, imagesPerSecond: 32 },
  { type: 'step', epoch: 1, step: 2, loss: 2.25, lr: 0.1, scale: 1, imagesPerSecond: 32 },
  { type: 'epoch', epoch: 1, train: { loss: 2.375, top1: 0.25 }, val: { loss: 2, top1: 0.5, count: 10 }, improved: true, seconds: 75 },
  { type: 'epoch', epoch: 2, train: { loss: 1, top1: 1 }, val: { loss: 3, top1: 0.4, count: 10 }, improved: false, seconds: 9 },
  { type: 'stop', reason: 'completed', epochs: 2 },
]

function tell(isTTY: boolean, columns = 80): string {
  let text = ''
  let seconds = 0
  const report = consoleReport({ isTTY, columns, write: (part) => (text += part) }, () => (seconds += 1))
  for (const event of EVENTS) report(event)
  return text
}

test('off a terminal there are plain lines, without control characters', () => {
  expect(tell(false)).toMatchInlineSnapshot(`
"A note.
regnet_y_400mf, from tiny; 64 images to train on, 10 to score.
Computing on cpu in fp32: this processor has no bf16 instructions.

epoch   train loss   train top-1     val loss     val top-1       time
Left out a\\u001b[31m.jpg: broken
    1       2.3750        25.0 %       2.0000        50.0 % 1 min 15 s  best
    2       1.0000       100.0 %       3.0000        40.0 %        9 s
"
`)
  // eslint-disable-next-line no-control-regex -- what must not be there
  expect(tell(false)).not.toMatch(/[\u001b\r]/)
})

test('where images grow, the time left counts their pixels', () => {
  let text = ''
  let seconds = 0
  const report = consoleReport({ isTTY: true, columns: 80, write: (part) => (text += part) }, () => seconds)
  report({ ...(EVENTS[0] as Extract<TrainingEvent, { type: 'start' }>), sizes: [{ from: 1, size: 64 }, { from: 2, size: 128 }] })
  seconds = 1
  report({ type: 'step', epoch: 1, step: 1, loss: 2, lr: 0.1, scale: 1, imagesPerSecond: 32 })
  expect(text).toContain(' 9 s left') // one more as long, and two that take four times as long
})

test('on a terminal a live line is drawn over, never wider than it', () => {
  for (const columns of [80, 40]) {
    const drawn = tell(true, columns).split('\r\u001b[2K').filter((part) => part.startsWith('epoch 1/2'))
    expect(drawn).toHaveLength(2)
    expect(Math.max(...drawn.map((line) => line.length))).toBeLessThan(columns)
  }
  expect(tell(true)).toContain('step 2/2  loss 2.2500  32.0 images/s')
})

test('every line is at most 80 columns wide', () => {
  expect(Math.max(...tell(false).split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
})

test.each([[0, '0 s'], [59.4, '59 s'], [75, '1 min 15 s'], [3700, '1 h 1 min']])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text))
test('shares are percent', () => expect([percent(0.9738), percent(Number.NaN)]).toEqual(['97.4 %', '–']))
test('control characters are shown, not sent', () => expect(printable('a\nb\u001b[0m\u202ec')).toBe('a\\u000ab\\u001b[0m\\u202ec'))
