import { createInterface } from 'node:readline'
import { start } from './children.mjs'

/** @typedef {import('../types.d.mts').Runner} Runner */

/** It cannot run here, and says why: no fault of the bench. */
export class UnavailableError extends Error {}

/** Of what a worker says on stderr, kept for when it ends too soon. */
const KEPT_LINES = 15

/**
 * A process that stays up and takes requests, a line of JSON each: so what comes before the work is not timed.
 *
 * @implements {Runner}
 */
export class Worker {
  /** @type {import('node:child_process').ChildProcessWithoutNullStreams} */
  #child
  /** @type {((line: string | undefined) => void)[]} */
  #waiting = []
  /** @type {string[]} */
  #said = []
  #ended = ''
  #startedAt = Date.now()

  /** @param {import('./children.mjs').Program} program */
  constructor(program) {
    this.#child = start(program)
    this.#child.stdin.on('error', () => {}) // it has ended, which is told below
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#waiting.shift()?.(line))
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      this.#said.push(line)
      if (this.#said.length > KEPT_LINES) this.#said.shift()
    })
    const end = (/** @type {string} */ how) => {
      this.#ended = how
      for (const answer of this.#waiting.splice(0)) answer(undefined)
    }
    this.#child.once('error', (error) => end(error.message))
    this.#child.once('close', (code, signal) => end(this.#ended || (signal ?? `code ${code}`)))
  }

  /** @param {string} task @param {object} params @returns {Promise<import('../types.d.mts').Facts>} */
  begin(task, params) {
    return this.#ask({ begin: task, params: { startedAt: this.#startedAt, ...params } })
  }

  /** @param {object} [params] @returns {Promise<import('../types.d.mts').Sample>} */
  run(params = {}) {
    return this.#ask({ run: params })
  }

  get hasEnded() {
    return this.#ended !== ''
  }

  /** At once; what it was asked for rejects. */
  kill() {
    this.#child.kill('SIGKILL')
  }

  async close() {
    if (this.#ended !== '') return
    const closed = new Promise((resolve) => this.#child.once('close', resolve))
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000)
    await closed
    clearTimeout(timer)
  }

  /** @param {object} request @returns {Promise<any>} */
  async #ask(request) {
    /** @type {string | undefined} */
    const line = this.#ended !== '' ? undefined : await new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#child.stdin.write(`${JSON.stringify(request)}\n`)
    })
    if (line === undefined) throw new Error(`ended by itself (${this.#ended}): ${this.#said.join('\n') || 'it said nothing'}`)
    const { error, unavailable, ...answer } = JSON.parse(line)
    if (unavailable !== undefined) throw new UnavailableError(unavailable)
    if (error !== undefined) throw new Error(error)
    return answer
  }
}
