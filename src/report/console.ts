import { plural } from '../text/plural.js'
import type { EpochEvent, StartEvent, StepEvent, TrainingEvent } from '../runs/events.js'
import { duration, percent, printable } from '../text/format.js'
import { CLEAR_LINE, type Terminal } from '../text/safe-terminal.js'
import { prose } from '../text/prose.js'

/** Where nobody watches a live line, a long epoch still says something this often. */
const PLAIN_EVERY_SECONDS = 30
const HEADER = 'epoch   train loss   train top-1     val loss     val top-1       time'

/**
 * Tells of training as it goes: a table that grows by a row an epoch and, on a terminal, a live line under it.
 * Elsewhere plain lines only.
 */
export function consoleReport(terminal: Terminal, now: () => number = () => performance.now() / 1000): (event: TrainingEvent) => void {
  const live = terminal.isTTY === true
  let start: StartEvent | undefined
  let began = now()
  let workDone = 0 // steps, by their pixels
  let spokeAt = now()
  let scoring = 0 // seconds an epoch beyond its steps
  let skipped = 0

  const clear = (): string => (live ? CLEAR_LINE : '')
  const say = (line: string): void => void terminal.write(`${clear()}${prose(printable(line), terminal)}\n`)

  const step = (event: StepEvent): void => {
    workDone += pixels(start, event.epoch)
    if (!start) return
    if (!live && now() - spokeAt < PLAIN_EVERY_SECONDS) return
    spokeAt = now()
    const workLeft = (start.steps - event.step) * pixels(start, event.epoch) + start.steps * pixelsAfter(start, event.epoch)
    const left = ((now() - began) / workDone) * workLeft + scoring * (start.epochs - event.epoch + 1)
    const line = `epoch ${event.epoch}/${start.epochs}  step ${event.step}/${start.steps}  loss ${event.loss.toFixed(4)}  ${event.imagesPerSecond.toFixed(1)} images/s  ${duration(left)} left`
    if (live) terminal.write(`${clear()}${line.slice(0, (terminal.columns || 80) - 1)}`)
    else terminal.write(`${line}\n`)
  }

  return (event) => {
    switch (event.type) {
      case 'start':
        start = event
        for (const line of startLines(event)) say(line)
        say(HEADER)
        began = now()
        return
      case 'resume':
        if (event.finished) say(`${event.from} is at the end of training: only the best model is loaded and scored again.`)
        else say(`Continuing from ${event.from}: ${event.step === 0 ? 'at the start of' : `after ${plural(event.step, 'step')} of`} epoch ${event.epoch}.`)
        return
      case 'not-finite':
        return say(`The loss of epoch ${event.epoch}, step ${event.step} is not finite (NaN or infinite).`)
      case 'step':
        return step(event)
      case 'epoch':
        say(epochRow(event))
        if (start) scoring = Math.max(0, event.seconds - ((now() - began) / Math.max(1, workDone)) * start.steps * pixels(start, event.epoch)) // rough, and only for the estimate
        return
      case 'step-skipped':
        return say(`Step ${event.step} of epoch ${event.epoch} overflowed and was skipped; the loss scale is now ${event.scale}.`)
      case 'image-skipped':
        if (++skipped <= 5) say(`Left out ${event.path}: ${event.message}`)
        else if (skipped === 6) say('More images are left out: events.jsonl names them all.')
        return
      case 'checkpoint':
        return
      case 'stop':
        terminal.write(clear())
        if (event.reason === 'early-stopping') say(`Stopped early after ${plural(event.epochs, 'epoch')}: no improvement.`)
        return
    }
  }
}

/** Of an image in an epoch. 1 where all have the same. */
function pixels(start: StartEvent | undefined, epoch: number): number {
  return (start?.sizes?.findLast(({ from }) => from <= epoch)?.size ?? 1) ** 2
}

/** Of an image in all the epochs after one. */
function pixelsAfter({ epochs, sizes = [{ from: 1, size: 1 }] }: StartEvent, epoch: number): number {
  return sizes.reduce((sum, { from, size }, i) => {
    const end = sizes[i + 1]?.from ?? epochs + 1
    return sum + size ** 2 * Math.max(0, end - Math.max(from, epoch + 1))
  }, 0)
}

function startLines({ model, weights, train, val, device, precision, precisionReason, notes }: StartEvent): string[] {
  return [
    ...notes,
    `${model}, from ${weights === null ? 'random weights' : weights}; ${plural(train, 'image')} to train on, ${val} to score.`,
    `Computing on ${device} in ${precision}: ${precisionReason}.`,
    '',
  ]
}

function epochRow({ epoch, train, val, improved, seconds }: EpochEvent): string {
  const cells = [String(epoch).padStart(5), train.loss.toFixed(4).padStart(13), percent(train.top1).padStart(14), val.loss.toFixed(4).padStart(13), percent(val.top1).padStart(14), duration(seconds).padStart(11)]
  return `${cells.join('')}${improved ? '  best' : ''}`
}
