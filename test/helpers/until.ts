import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_MS = 30_000

/**
 * Waits until something is so that no event tells of, and looks often.
 *
 * @throws after half a minute, with what was waited for.
 */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, patience = PATIENCE_MS): Promise<void> {
  const end = performance.now() + patience
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`Waited ${patience / 1000} s until ${what}: it never was so`)
    await sleep(5)
  }
}
