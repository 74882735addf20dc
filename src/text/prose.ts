import { prose as proseBy } from '../../scripts/common/prose.mjs'
import { columnsOf } from './columns.js'

/** How wide a stream is, where it is a terminal. */
export interface Width {
  readonly isTTY?: boolean
  readonly columns?: number
}

/**
 * A text whose lines are wrapped between words on a terminal; elsewhere it stays as it is, for programs to read.
 *
 * @param hang columns that a wrapped line's later parts are indented by
 */
export function prose(text: string, stream: Width, hang = 0): string {
  return proseBy(text, stream, { hang, columnsOf })
}

/** Lines of a table of two columns, whose second one is prose. */
export function proseRows(rows: readonly (readonly [name: string, value: string])[], width: number, stream: Width): string[] {
  return rows.map(([name, value]) => prose(`${name.padEnd(width)} ${value}`, stream, width + 1))
}
