import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { SetupError } from '../setup/errors.mjs'
import { parseContentRange } from '../common/download.mjs'
import { readEntries, unzip } from './unzip.mjs'

/** A wheel's directory is below this, at its end. */
const TAIL = 4 << 20
/** Fetching what lies between costs less than another request, up to here. */
const GAP = 1 << 20

/**
 * The headers of a libtorch, out of a wheel of hundreds of megabytes of which a few are fetched: into a file as long as
 * the wheel and empty in between, and out of that.
 *
 * @param {string} url
 * @param {string} folder made whole or not at all, with `torch/include` inside
 */
export async function fetchHeaders(url, folder) {
  const working = `${folder}.part`
  rmSync(working, { recursive: true, force: true })
  mkdirSync(working, { recursive: true })
  const wheel = join(working, 'partial.whl')
  const size = await fetchRange(url, wheel, `-${TAIL}`)
  const wanted = (await readEntries(wheel)).filter(({ name }) => isHeader(name))
  const reach = (/** @type {typeof wanted[number]} */ { header, packed, name }) => Math.min(size, header + packed + name.length + 1024)
  /** @type {{ start: number, end: number }[]} */
  const ranges = []
  for (const entry of wanted.sort((a, b) => a.header - b.header)) {
    const last = ranges.at(-1)
    if (last && entry.header - last.end < GAP) last.end = reach(entry)
    else ranges.push({ start: entry.header, end: reach(entry) })
  }
  for (const { start, end } of ranges) await fetchRange(url, wheel, `${start}-${end - 1}`)
  await unzip(wheel, working, { filter: isHeader })
  rmSync(wheel)
  const sample = join(working, 'torch', 'include', 'torch', 'headeronly', 'version.h')
  if (!existsSync(sample)) throw new SetupError(`${url} holds no headers of libtorch.`)
  renameSync(working, folder)
}

/** @param {string} name */
function isHeader(name) {
  return name.startsWith('torch/include/') && !name.startsWith('torch/include/pybind11/')
}

/**
 * Writes a range to its place in the file.
 *
 * @param {string} url @param {string} file @param {string} range
 * @returns {Promise<number>} the whole length
 */
async function fetchRange(url, file, range) {
  const response = await fetch(url, { headers: { Range: `bytes=${range}` } })
  const contentRange = response.headers.get('content-range')
  const { start, end, size } = parseContentRange(contentRange) ?? {}
  const inPart = response.status === 206 && start !== undefined && size !== undefined
  if (!inPart) throw new SetupError(`${url} cannot be read in part: the server answered ${response.status}.`)
  const asked = range.startsWith('-') ? `${Math.max(0, size + Number(range))}-${size - 1}` : range
  if (`${start}-${end}` !== asked) throw new SetupError(`${url} cannot be read in part: the server sent ${contentRange} for bytes ${asked}.`)
  const handle = await open(file, existsSync(file) ? 'r+' : 'w+')
  try {
    await handle.truncate(size)
    await handle.write(Buffer.from(await response.arrayBuffer()), 0, undefined, start)
  } finally {
    await handle.close()
  }
  return size
}
