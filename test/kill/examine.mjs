// What must hold of a run folder after a kill, and at the end.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const dist = new URL('../../dist/', import.meta.url)
const [{ CheckpointStore }, { inspectFile }] = await Promise.all(
  ['runs/checkpoint-store.js', 'inference/inspect.js'].map((file) => import(new URL(file, dist).href)),
)

/** @typedef {{ readonly epoch: number, readonly step: number }} Position epochs that are over, and steps of the next */

/**
 * The position that is on disk, undefined where nothing was saved yet. Throws where a file is not whole, or the log tells
 * of a save that is not there.
 *
 * @param {string} folder
 * @returns {Promise<Position | undefined>}
 */
export async function examine(folder) {
  if (!existsSync(join(folder, 'config.json'))) return undefined
  await inspectFile(folder)
  const store = await CheckpointStore.open(folder)
  const last = await store.last()
  if (last?.recoveredFrom) throw last.recoveredFrom
  if (existsSync(join(folder, 'best.safetensors'))) await store.best()
  const saved = events(folder).filter(({ type, file }) => type === 'checkpoint' && file === 'last.safetensors').at(-1)
  const position = last?.metadata.position
  if (saved && before(position, saved)) throw new Error(`the log tells of a save at ${where(saved)}, and on disk is ${where(position)}`)
  return position
}

/** The events of a run; the last line may be cut. @param {string} folder */
export function events(folder) {
  const path = join(folder, 'events.jsonl')
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line)) // after the last newline: nothing, or half a line
}

/** What must be equal at the end: bytes of files, and the loss of each step as the log has it at last. @param {string} folder */
export function result(folder) {
  const names = readdirSync(folder).sort()
  const hash = (name) => createHash('sha256').update(readFileSync(join(folder, name))).digest('hex')
  const compared = names.filter((name) => !['events.jsonl', 'last.previous.safetensors'].includes(name)).map((name) => [name, hash(name)])
  const steps = Object.fromEntries(events(folder).filter(({ type }) => type === 'step').map(({ epoch, step, loss, lr }) => [`${String(epoch).padStart(3)} ${String(step).padStart(3)}`, `${loss} ${lr}`]))
  return JSON.stringify({ names, files: Object.fromEntries(compared), steps: Object.entries(steps).sort() })
}

/** @param {Position | undefined} a @param {Position} b */
export function before(a, b) {
  return !a || a.epoch < b.epoch || (a.epoch === b.epoch && a.step < b.step)
}

/** @param {Position | undefined} position */
export function where(position) {
  return position ? `epoch ${position.epoch + 1}, step ${position.step}` : 'nothing'
}
