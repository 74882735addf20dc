import { EXIT } from './command.js'

/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm. */
const SAME_PRESS_MS = 1000

/** Ctrl-C; the end of the system or the container; a terminal or connection that was closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Gives `work` an AbortSignal that SIGINT, SIGTERM and SIGHUP abort. A second one, if it is not of the same key press, ends the process
 * at once.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, notify: (line: string) => void): Promise<T> {
  const controller = new AbortController()
  let firstAt: number | undefined
  const onSignal = (): void => {
    const now = performance.now()
    if (firstAt === undefined) {
      firstAt = now
      notify('Stopping: the current step is finished and saved first. Press Ctrl-C again to stop at once.')
      controller.abort(new DOMException('Interrupted', 'AbortError'))
    } else if (now - firstAt > SAME_PRESS_MS) process.exit(EXIT.interrupted)
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  try {
    return await work(controller.signal)
  } finally {
    // Once interrupted, the handler stays: a second signal of the same key press must not end the process before the command has.
    if (firstAt === undefined) for (const name of SIGNALS) process.off(name, onSignal)
  }
}
