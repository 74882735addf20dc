import { plural } from '../text/plural.js'
import type { EpochEvent, StartEvent, StepEvent, TrainingEvent } from '../runs/events.js'
import { duration, percent, printable } from '../text/format.js'
import { CLEAR_LINE, type Terminal } from '../text/safe-terminal.js'
import { prose } from '../text/prose.js'
import { EtaClock } from './eta-clock.js'

/** Where nobody watches a live line, a long epoch still says something this often. */
const PLAIN_EVERY_SECONDS = 30
/** Broken images that are named one by one. */
const MAX_NAMED = 5
const HEADER = 'epoch   train loss   train top-1     val loss     val top-1       time'

/**
 * Reports training events on a terminal, as they come: a table that grows by a row an epoch and, where people watch, a live line
 * under it. Elsewhere plain lines only.
 *
 * @param now in seconds
 */
export function consoleReport(terminal: Terminal, now: () => number = () => performance.now() / 1000): (event: TrainingEvent) => void {
  const report = new ConsoleReport(terminal, now)
  return (event) => report.write(event)
}

class ConsoleReport {
  readonly #terminal: Terminal
  readonly #now: () => number
  readonly #live: boolean
  #start: StartEvent | undefined
  #clock: EtaClock | undefined
  #spokeAt: number
  #skipped = 0

  constructor(terminal: Terminal, now: () => number) {
    this.#terminal = terminal
    this.#now = now
    this.#live = terminal.isTTY === true
    this.#spokeAt = now()
  }

  write(event: TrainingEvent): void {
    switch (event.type) {
      case 'start':
        for (const line of startLines(event)) this.#say(line)
        this.#say(HEADER)
        this.#start = event
        this.#clock = new EtaClock(event, this.#now)
        return
      case 'resume':
        return this.#say(resumeLine(event))
      case 'step':
        return this.#step(event)
      case 'epoch':
        this.#say(epochRow(event))
        this.#clock?.afterEpoch(event)
        return
      case 'note':
        return this.#say(event.note)
      case 'not-finite':
        return this.#say(`The loss of epoch ${event.epoch}, step ${event.step} is not finite (NaN or infinite).`)
      case 'step-skipped':
        return this.#say(`Step ${event.step} of epoch ${event.epoch} overflowed and was skipped; the loss scale is now ${event.scale}.`)
      case 'image-skipped':
        if (++this.#skipped <= MAX_NAMED) this.#say(`Left out ${event.path}: ${event.message}`)
        else if (this.#skipped === MAX_NAMED + 1) this.#say('More images are left out: events.jsonl names them all.')
        return
      case 'checkpoint':
        return
      case 'stop':
        this.#terminal.write(this.#clear())
        if (event.reason === 'early-stopping') this.#say(`Stopped early after ${plural(event.epochs, 'epoch')}: no improvement.`)
        return
    }
  }

  /** The live line; elsewhere a plain one now and then. */
  #step(event: StepEvent): void {
    if (!this.#start || !this.#clock) return
    this.#clock.afterStep(event)
    if (!this.#live && this.#now() - this.#spokeAt < PLAIN_EVERY_SECONDS) return
    this.#spokeAt = this.#now()
    const line = stepLine(event, this.#start, this.#clock.secondsLeft(event))
    this.#terminal.write(this.#live ? `${this.#clear()}${line.slice(0, (this.#terminal.columns || 80) - 1)}` : `${line}\n`)
  }

  #say(line: string): void {
    this.#terminal.write(`${this.#clear()}${prose(printable(line), this.#terminal)}\n`)
  }

  #clear(): string {
    return this.#live ? CLEAR_LINE : ''
  }
}

function startLines({ model, weights, train, val, device, precision, precisionReason, notes }: StartEvent): string[] {
  return [
    ...notes,
    `${model}, from ${weights === null ? 'random weights' : weights}; ${plural(train, 'image')} to train on, ${val} to score.`,
    `Computing on ${device} in ${precision}: ${precisionReason}.`,
    '',
  ]
}

function resumeLine({ from, finished, epoch, step }: Extract<TrainingEvent, { readonly type: 'resume' }>): string {
  if (finished) return `${from} is at the end of training: only the best model is loaded and scored again.`
  return `Continuing from ${from}: ${step === 0 ? 'at the start of' : `after ${plural(step, 'step')} of`} epoch ${epoch}.`
}

function stepLine({ epoch, step, loss, imagesPerSecond }: StepEvent, { epochs, steps }: StartEvent, secondsLeft: number): string {
  const speed = `${imagesPerSecond.toFixed(1)} images/s`
  return `epoch ${epoch}/${epochs}  step ${step}/${steps}  loss ${loss.toFixed(4)}  ${speed}  ${duration(secondsLeft)} left`
}

function epochRow({ epoch, train, val, improved, seconds }: EpochEvent): string {
  const losses = [train, val].flatMap(({ loss, top1 }) => [loss.toFixed(4).padStart(13), percent(top1).padStart(14)])
  return `${String(epoch).padStart(5)}${losses.join('')}${duration(seconds).padStart(11)}${improved ? '  best' : ''}`
}
