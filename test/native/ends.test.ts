import { runNode } from '../helpers/child.js'

/** A session of the built library, and a batch that takes it a while. */
const SETTING = `
import { Session } from './dist/index.js'
import { setTimeout as sleep } from 'node:timers/promises'
const create = () => Session.create({ model: 'regnet_y_400mf', classes: 2, precision: 'fp32', device: 'cpu' })
const size = 16, side = 128
const batch = { size, step: 0, indices: new Int32Array(size), labels: new Int32Array(size), images: { pixels: new Uint8Array(size * side * side * 3), shapes: new Int32Array(size * 2).fill(side), plans: Array(size).fill({ geometry: [1, 0, 0, 0, 1, 0] }), output: side, mean: [0, 0, 0], std: [1, 1, 1] } }
`
const TIMES = 3
const run = (code: string, flags: readonly string[] = []) => runNode([...flags, '--input-type=module', '--eval', SETTING + code])

const cases: [string, string, number, string][] = [
  ['process.exit in mid-step', 'const s = await create(); s.trainStep(batch); await sleep(40); process.exit(7)', 7, ''],
  ['process.exit with steps waiting', 'const s = await create(); for (let i = 0; i < 9; i++) s.trainStep(batch); await sleep(20); process.exit(5)', 5, ''],
  ['process.exit before a session is there', 'create(); process.exit(4)', 4, ''],
  ['an uncaught error in mid-step', 'const s = await create(); s.trainStep(batch); await sleep(20); throw new Error("oops")', 1, 'oops'],
  ['the end of the program, disposed of in mid-step', 'const s = await create(); const step = s.trainStep(batch); await s.dispose(); console.log((await step).steps)', 0, '1'],
  ['the end of the program without disposal', 'const s = await create(); console.log((await s.trainStep(batch)).steps)', 0, '1'],
  ['a step that nobody waits for: it is finished before the end', 'const s = await create(); s.trainStep(batch).then(({ steps }) => console.log("done", steps))', 0, 'done 1'],
]

test.each(cases)('%s ends as Node would', async (_, code, exitCode, output) => {
  for (let i = 0; i < TIMES; i++) {
    const end = await run(code)
    expect({ code: end.code, signal: end.signal }).toEqual({ code: exitCode, signal: null })
    expect(end.stdout + end.stderr).toContain(output)
  }
})

test('a signal in mid-step ends the process by that signal', async () => {
  const end = await run('const s = await create(); setTimeout(() => process.kill(process.pid, "SIGTERM"), 20); await s.trainStep(batch); await sleep(5000)')
  expect(end.signal).toBe('SIGTERM')
})

test('a worker thread that is ended in mid-step takes nothing with it', async () => {
  const worker = `
    import { parentPort } from 'node:worker_threads'
    ${SETTING.replace("'./dist/index.js'", "'__LIBRARY__'")}
    const s = await create()
    for (let i = 0; i < 5; i++) s.trainStep(batch)
    parentPort.postMessage('stepping')
    await sleep(60_000)
  `
  const end = await run(`
    import { Worker } from 'node:worker_threads'
    import { once } from 'node:events'
    import { pathToFileURL } from 'node:url'
    const code = ${JSON.stringify(worker)}.replace('__LIBRARY__', pathToFileURL('dist/index.js').href)
    const own = await create()
    for (let i = 0; i < ${TIMES}; i++) {
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(code)))
      await once(worker, 'message')
      await sleep(30)
      await worker.terminate()
      console.log('alive', (await own.trainStep(batch)).steps)
    }
  `)
  expect(end).toMatchObject({ code: 0, signal: null, stdout: 'alive 1\n'.repeat(TIMES) })
})

test('sessions that are garbage-collected in mid-step are freed, and their steps end well', async () => {
  const end = await run(`
    const pending = []
    for (let i = 0; i < 6; i++) {
      pending.push((async () => (await create()).trainStep(batch))())
      await sleep(5)
      globalThis.gc()
    }
    const steps = (await Promise.all(pending)).map(({ steps }) => steps)
    globalThis.gc()
    await sleep(20)
    console.log(steps.join(''))
  `, ['--expose-gc'])
  expect(end).toMatchObject({ code: 0, signal: null, stdout: '111111\n' })
})
