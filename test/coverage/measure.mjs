// How many lines of src the tests run: those that jest runs in its own process, and those that the programs that tests
// start run of dist. Takes two to three times as long as the tests alone.
//   npm run coverage [-- what jest takes, as test/unit]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FEWEST = 15

/** @typedef {{ readonly startOffset: number, readonly endOffset: number, readonly count: number }} Range */
/** @typedef {{ readonly url: string, readonly functions: readonly { readonly ranges: readonly Range[] }[] }} Script of V8's coverage */
/** @typedef {Map<number, boolean>} Lines that hold code, from 1, and whether they were run */

const folder = mkdtempSync(join(tmpdir(), 'torchgraft-coverage-'))
try {
  const [own, children] = [join(folder, 'jest'), join(folder, 'children')]
  const status = runJest(own, children)
  const files = measure(existsSync(children) ? readdirSync(children).map((name) => join(children, name)) : [], join(own, 'coverage-final.json'))
  console.log(report(files))
  process.exitCode = status
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** @param {string} own folder for what jest measures @param {string} children folder for what Node's other processes write */
function runJest(own, children) {
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', join(ROOT, 'node_modules/jest/bin/jest.js')]
  const measured = ['--coverage', '--coverageProvider=v8', '--coverageReporters=json', '--collectCoverageFrom=src/**/*.ts', `--coverageDirectory=${own}`]
  // In one process: workers would inherit NODE_V8_COVERAGE, which is for the children (jest.config.js).
  const args = [...jest, '--maxWorkers=1', ...measured, ...process.argv.slice(2)]
  return spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, TORCHGRAFT_COVERAGE: children } }).status ?? 1
}

/** @param {readonly string[]} written by children @param {string} byJest istanbul's JSON @returns {Map<string, Lines>} by file of src */
function measure(written, byJest) {
  const ran = ranInChildren(written)
  const inJest = /** @type {Record<string, { statementMap: Record<string, { start: { line: number } }>, s: Record<string, number> }>} */ (JSON.parse(readFileSync(byJest, 'utf8')))
  const names = readdirSync(join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'))
  return new Map(names.sort().map((name) => {
    const source = join('src', name.replace(/\.js$/, '.ts'))
    const lines = linesOf(name, ran.get(name))
    const { statementMap = {}, s = {} } = inJest[join(ROOT, source)] ?? {}
    for (const [key, { start }] of Object.entries(statementMap)) if (lines.has(start.line) && s[key]) lines.set(start.line, true)
    return [source, lines]
  }))
}

/** Which characters of a file of dist some child ran: 1 for those. @param {readonly string[]} files @returns {Map<string, Uint8Array>} */
function ranInChildren(files) {
  /** @type {Map<string, Uint8Array>} */
  const all = new Map()
  for (const file of files) {
    for (const { url, functions } of /** @type {{ result: Script[] }} */ (JSON.parse(readFileSync(file, 'utf8'))).result) {
      const name = url.startsWith('file:') ? relative(join(ROOT, 'dist'), fileURLToPath(url)) : '..'
      if (name.startsWith('..')) continue
      const ran = new Uint8Array(readFileSync(fileURLToPath(url), 'utf8').length)
      // A range lies within the one before it that holds it, and says more of its part.
      for (const { startOffset, endOffset, count } of functions.flatMap(({ ranges }) => ranges)) {
        ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
      }
      const before = all.get(name)
      all.set(name, before ? ran.map((value, i) => value | (before[i] ?? 0)) : ran)
    }
  }
  return all
}

/**
 * By the compiler's source map: what has no place in dist, as types and comments, is no line.
 *
 * @param {string} name in dist
 * @param {Uint8Array | undefined} ran
 * @returns {Lines}
 */
function linesOf(name, ran) {
  const code = readFileSync(join(ROOT, 'dist', name), 'utf8')
  const map = new SourceMap(JSON.parse(readFileSync(join(ROOT, 'dist', `${name}.map`), 'utf8')))
  /** @type {Lines} */
  const lines = new Map()
  let offset = 0
  for (const [i, text] of code.split('\n').entries()) {
    const comment = /^\s*(?:\/\/|\/\*|\*)/.test(text)
    for (let column = 0; column < text.length && !comment; column++) {
      if (/\s/.test(text[column] ?? '')) continue
      const entry = map.findEntry(i, column)
      if (!('originalLine' in entry) || entry.generatedLine !== i) continue
      lines.set(entry.originalLine + 1, lines.get(entry.originalLine + 1) === true || ran?.[offset + column] === 1)
    }
    offset += text.length + 1
  }
  return lines
}

/** @param {Map<string, Lines>} files */
function report(files) {
  /** @type {Map<string, { run: number, all: number }>} */
  const rooms = new Map()
  const add = (/** @type {string} */ room, /** @type {Lines} */ lines) => {
    const { run, all } = rooms.get(room) ?? { run: 0, all: 0 }
    rooms.set(room, { run: run + [...lines.values()].filter(Boolean).length, all: all + lines.size })
  }
  for (const [file, lines] of files) add(file.split('/').slice(0, -1)[1] ?? '(top)', lines)
  const table = [...rooms].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const lines of files.values()) add('src', lines)
  const row = (/** @type {string} */ name) => `${name.padEnd(12)} ${share(rooms.get(name) ?? { run: 0, all: 0 })}`
  const missed = [...files].map(([file, lines]) => ({ file, never: [...lines].filter(([, run]) => !run).map(([line]) => line) }))
  const most = missed.filter(({ never }) => never.length > 0).sort((a, b) => b.never.length - a.never.length).slice(0, FEWEST)
  const untold = most.map(({ file, never }) => `${file}: ${spans(never)}`)
  return ['', 'Lines of src that the tests run:', ...table.map(([name]) => row(name)), row('src'), '', 'Most that none runs:', ...untold].join('\n')
}

/** @param {{ run: number, all: number }} lines */
function share({ run, all }) {
  return `${((100 * run) / Math.max(all, 1)).toFixed(1).padStart(5)} %  ${run} of ${all}`
}

/** As 3, 7-9. @param {readonly number[]} numbers */
function spans(numbers) {
  /** @type {[number, number][]} */
  const found = []
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = found.at(-1)
    if (last && n - last[1] === 1) last[1] = n
    else found.push([n, n])
  }
  return found.map(([a, b]) => (a === b ? a : `${a}-${b}`)).join(', ')
}
