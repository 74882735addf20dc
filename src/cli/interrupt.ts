import { EXIT } from './command.js'

/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm. */
const SAME_PRESS_MS = 1000

/**
 * A signal that SIGINT and SIGTERM abort, while `work` runs. The second one, if it is not the same key press, ends the
 * process at once.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, tell: (line: string) => void): Promise<T> {
  const controller = new AbortController()
  let firstAt: number | undefined
  const onSignal = (): void => {
    const now = performance.now()
    if (firstAt === undefined) {
      firstAt = now
      tell('Finishing this step and saving. Press Ctrl-C again to stop at once.')
      controller.abort(new DOMException('Interrupted', 'AbortError'))
    } else if (now - firstAt > SAME_PRESS_MS) process.exit(EXIT.interrupted)
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    return await work(controller.signal)
  } finally {
    // Once interrupted it stays: a second signal of the same key press must not end the process before it has told.
    if (firstAt === undefined) process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
