import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** @param {string} date ISO @param {string} processor or GPU @returns {string} such as `2026-03-01-amd-epyc-7763` */
export function resultName(date, processor) {
  const words = processor.toLowerCase().replace(/\((?:r|tm|c)\)/g, ' ').replace(/@.*$/, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '')
  return `${date.slice(0, 10)}-${words || 'unknown'}`
}

/** The first of `name`, `name-2`, `name-3` … that is not taken. @param {string} name @param {(name: string) => boolean} taken */
export function freeName(name, taken) {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`
    if (!taken(candidate)) return candidate
  }
}

/**
 * Writes a report and its charts into new files: `NAME.json`, `NAME.svg`, `NAME-scale.svg`.
 *
 * @param {string} folder
 * @param {import('../types.d.mts').Report} report
 * @param {{ readonly chart: string, readonly scaleChart?: string | undefined }} charts
 * @returns {Promise<string>} the report's path
 */
export async function writeResult(folder, report, { chart, scaleChart }) {
  await mkdir(folder, { recursive: true })
  const { processor, heldTo = '', gpu } = report.machine
  const machine = gpu?.name ?? `${processor} ${heldTo}`
  const isTaken = (/** @type {string} */ candidate) => existsSync(join(folder, `${candidate}.json`))
  const name = freeName(resultName(report.date, machine), isTaken)
  const file = join(folder, `${name}.json`)
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`, { flag: 'wx' })
  await writeFile(join(folder, `${name}.svg`), chart)
  if (scaleChart !== undefined) await writeFile(join(folder, `${name}-scale.svg`), scaleChart)
  return file
}
