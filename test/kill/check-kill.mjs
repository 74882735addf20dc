// Kills training runs with SIGKILL at random moments, resumes them, and compares their ends with that of an unbroken run.
//
//   npm run check:kill -- [--times N] [--seed S] [--keep]
//
// Half of the kills come at a random time, from the process's start to its end; the others at one of its operations on the
// run folder's files (opening, writing half of a chunk, fsync, rename, between rename and the folder's fsync, half a line of
// the log). Resumed runs are killed too. After each kill every file must be whole and the log must tell of no save that is
// not there; a resumed run must go on from the position on disk; at the end the files must be those of the unbroken run,
// byte for byte, and each step's loss the same. Ends with code 1 where one is not.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { before, events, examine, result, where } from './examine.mjs'
import { run } from './run.mjs'

const sharp = createRequire(import.meta.url)('sharp')
const { random } = await import(new URL('../../dist/random/sfc32.js', import.meta.url).href)
const { values } = parseArgs({ options: { times: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' }, keep: { type: 'boolean', default: false } } })
const times = Number(values.times)
const next = random(Number(values.seed))
const below = (count) => Math.floor(next() * count)
const folder = mkdtempSync(join(tmpdir(), 'torchgraft-kill-'))

const COMMON = ['train', 'images', '--model', 'regnet_y_400mf', '--device', 'cpu', '--precision', 'fp32', '--threads', '1', '--val', '0.3', '--save-every', '0.0005']
const RECIPES = [
  { name: 'default', args: [...COMMON, '--size', '96', '--epochs', '3', '--batch-size', '8', '--lr', '0.003'] },
  { name: 'notebook', args: [...COMMON, '--size', '32', '--recipe', 'notebook', '--weights', 'none', '--epochs', '2', '--batch-size', '8', '--sanity-steps', '1'] },
]

async function makeImages() {
  for (const [label, colour] of ['blue', 'green', 'red'].entries()) {
    mkdirSync(join(folder, 'images', colour), { recursive: true })
    for (let i = 0; i < 16; i++) {
      const pixels = Uint8Array.from({ length: 40 * 40 * 3 }, (_, j) => (j % 3 === 2 - label ? 130 : 20) + next() * 100)
      await sharp(pixels, { raw: { width: 40, height: 40, channels: 3 } }).png().toFile(join(folder, 'images', colour, `${i}.png`))
    }
  }
}

/** A run that nothing happens to: its end, how long it takes, and its operations. */
async function unbroken({ name, args }) {
  const path = join(folder, `${name}-unbroken`)
  const count = join(folder, `${name}-operations.json`)
  const { code, stderr, milliseconds } = await run([...args, '--output', path], { cwd: folder, run: path, fate: { kind: 'none', count } })
  if (code !== 0) throw new Error(`the unbroken run failed:\n${stderr}`)
  return { end: result(path), milliseconds, operations: JSON.parse(readFileSync(count, 'utf8')) }
}

function drawFate({ milliseconds, operations }) {
  if (next() < 0.5) return { kind: 'time', milliseconds: 150 + next() * milliseconds }
  const names = [...new Set(operations)] // most are writes: each kind as often
  const name = names[below(names.length)]
  const places = operations.flatMap((other, i) => (other === name ? [i + 1] : []))
  const moments = ['write', 'appendFile'].includes(name) ? ['before', 'half', 'after'] : ['before', 'after']
  return { kind: 'operation', op: places[below(places.length)], when: moments[below(moments.length)] }
}

function stage(path, fate, whole) {
  if (fate.kind === 'operation') return `${fate.when === 'half' ? 'half way through' : fate.when} ${whole.operations[fate.op - 1]}`
  if (!existsSync(join(path, 'config.json'))) return 'at a time: starting'
  const told = events(path).map(({ type }) => type)
  if (!told.includes('step')) return 'at a time: getting ready, decoding'
  return told.at(-1) === 'stop' ? 'at a time: scoring the best again' : 'at a time: steps, scoring and saving'
}

await makeImages()
const wholes = []
for (const recipe of RECIPES) wholes.push(await unbroken(recipe))
/** @type {Map<string, number>} */
const stages = new Map()
const faults = []
let [kills, runs, lost] = [0, 0, 0]
while (kills < times) {
  const which = next() < 0.75 ? 0 : 1
  const [recipe, whole] = [RECIPES[which], wholes[which]]
  const path = join(folder, `run-${runs++}`)
  const story = []
  try {
    let position
    for (;;) {
      const resumed = existsSync(join(path, 'config.json'))
      const fate = kills < times && story.length < 4 ? drawFate(whole) : { kind: 'none' }
      story.push(`${resumed ? 'resumed' : 'started'}, ${JSON.stringify(fate)}`)
      const told = events(path).length
      const { code, signal, stderr } = await run(resumed ? ['train', '--resume', '--output', path] : [...recipe.args, '--output', path], { cwd: folder, run: path, fate })
      const from = events(path).slice(told).find(({ type }) => type === 'resume')
      if (from && position && (from.epoch - 1 !== position.epoch || from.step !== position.step)) throw new Error(`went on from epoch ${from.epoch}, step ${from.step}, though ${where(position)} was on disk`)
      if (signal === null) {
        if (code !== 0) throw new Error(stderr.trim().split('\n').at(-1))
        break // killed too late, or not at all
      }
      kills++
      const at = stage(path, fate, whole)
      stages.set(at, (stages.get(at) ?? 0) + 1)
      const now = await examine(path)
      if (position && before(now, position)) throw new Error(`${where(position)} was on disk, and now ${where(now)} is`)
      position = now
      const steps = events(path).filter(({ type }) => type === 'step').at(-1)
      if (steps && now && before(now, { epoch: steps.epoch - 1, step: steps.step })) lost++
    }
    const end = result(path)
    if (end !== whole.end) throw new Error(`its end is not that of the unbroken run:\n${end}\n${whole.end}`)
  } catch (error) {
    faults.push(`${recipe.name} ${path}: ${error.message}\n  ${story.join('\n  ')}`)
    console.error(faults.at(-1))
  }
  if (faults.length === 0 || !values.keep) rmSync(path, { recursive: true, force: true })
  if (runs % 20 === 0) console.error(`${kills} kills, ${runs} runs`)
}
for (const [at, count] of [...stages].sort()) console.log(`${String(count).padStart(5)}  ${at}`)
console.log(`${kills} kills in ${runs} runs (seed ${values.seed}), ${faults.length} of which did not end as the unbroken run. In ${lost}, steps since the last save were done again.`)
if (!values.keep) rmSync(folder, { recursive: true, force: true })
process.exitCode = faults.length > 0 ? 1 : 0
