import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { loadAddon } from '../../src/addon/load.js'

/** A fixture by its name: generate.py makes them. */
export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as T
}

/** The largest difference between two lists. Of other lengths, or not a number: infinite. */
export function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity
  let worst = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    worst = difference >= 0 ? Math.max(worst, difference) : Infinity
  }
  return worst
}

/** The largest of a list, in size. */
export function largest(values: ArrayLike<number>): number {
  let worst = 0
  for (let i = 0; i < values.length; i++) worst = Math.max(worst, Math.abs(values[i]!))
  return worst
}

/** Prints a row of the table of parity, and holds it to its tolerance. */
export function expectParity(row: string, difference: number, tolerance: number): void {
  process.stderr.write(`parity: ${row}: ${difference.toExponential(1)} (at most ${tolerance.toExponential(1)})\n`)
  expect(difference).toBeLessThanOrEqual(tolerance)
}

/** For the table's head. */
export function processor(): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown'}, ${loadAddon().system().features.join(' ')}`
}
