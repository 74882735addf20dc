import { EXIT } from './command.js'

/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm. */
const SAME_PRESS_MS = 1000

/** Ctrl-C; the system's or a container's end; a terminal that was closed, or its connection. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * A signal that SIGINT, SIGTERM and SIGHUP abort, while `work` runs. The second one, if it is not the same key press, ends
 * the process at once.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, tell: (line: string) => void): Promise<T> {
  const controller = new AbortController()
  let firstAt: number | undefined
  const onSignal = (): void => {
    const now = performance.now()
    if (firstAt === undefined) {
      firstAt = now
      tell('Stopping: the current step is finished and saved first. Press Ctrl-C again to stop at once.')
      controller.abort(new DOMException('Interrupted', 'AbortError'))
    } else if (now - firstAt > SAME_PRESS_MS) process.exit(EXIT.interrupted)
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  try {
    return await work(controller.signal)
  } finally {
    // Once interrupted it stays: a second signal of the same key press must not end the process before it has told.
    if (firstAt === undefined) for (const name of SIGNALS) process.off(name, onSignal)
  }
}
