import { watchMemory } from '../../../bench/harness/peak-memory.mjs'
import { runProgram } from '../../../bench/harness/program-run.mjs'
import { UnavailableError, Worker } from '../../../bench/harness/worker.mjs'
import { skip } from '../../helpers/skip.js'

const program = (code: string) => ({ command: process.execPath, args: ['--input-type=module', '--eval', code], env: process.env, cwd: '.' })
const answering = (expression: string) =>
  program(`import { createInterface } from 'node:readline'; for await (const line of createInterface({ input: process.stdin })) { const request = JSON.parse(line); console.log(JSON.stringify(${expression})) }`)

describe('a worker', () => {
  test('answers one request after another, and ends when it is closed', async () => {
    const worker = new Worker(answering('request.begin ? { how: request.begin + request.params.x, precision: "fp32" } : { value: request.run.repeat }'))
    expect(await worker.begin('task', { x: 1 })).toEqual({ how: 'task1', precision: 'fp32' })
    expect(await Promise.all([worker.run({ repeat: 7 }), worker.run({ repeat: 8 })])).toEqual([{ value: 7 }, { value: 8 }])
    await worker.close()
    await worker.close()
  })

  test('tells what failed apart from what cannot be', async () => {
    const failing = new Worker(answering('{ error: "ValueError: no" }'))
    await expect(failing.begin('task', {})).rejects.toThrow('ValueError: no')
    const unable = new Worker(answering('{ unavailable: "there is no compiler" }'))
    await expect(unable.begin('task', {})).rejects.toThrow(UnavailableError)
    await Promise.all([failing.close(), unable.close()])
  })

  test('that ends by itself rejects with what it said last', async () => {
    const worker = new Worker(program('console.error("out of memory"); process.exitCode = 3'))
    await expect(worker.begin('task', {})).rejects.toThrow('ended by itself (code 3): out of memory')
    await expect(worker.run()).rejects.toThrow('ended by itself')
    await worker.close()
  })

  test('that cannot be started says so', async () => {
    const worker = new Worker({ command: '/no/such/program', args: [], env: process.env, cwd: '.' })
    await expect(worker.begin('task', {})).rejects.toThrow('ENOENT')
  })
})

describe('a program', () => {
  test('tells its lines as they come, and can be stopped at one', async () => {
    const heard: string[] = []
    const { lines } = await runProgram(program('let i = 0; setInterval(() => console.log(i++), 5)'), {
      onLine: (line, seconds, stop) => {
        expect(seconds).toBeGreaterThan(0)
        if (heard.push(line) === 3) stop()
      },
    })
    expect(heard).toEqual(['0', '1', '2'])
    expect(lines.slice(0, 3)).toEqual(heard)
  })

  test('that fails rejects with the end of what it said', async () => {
    await expect(runProgram(program('console.error("no such model"); process.exitCode = 1'))).rejects.toThrow(/ended with 1: no such model/)
  })

  const title = 'has the memory of its children counted with its own'
  if (process.platform !== 'linux') skip(title, 'only /proc tells which processes are its children')
  else test(title, async () => {
    const hold = 'const held = Buffer.alloc(150e6, 1); setTimeout(() => held.fill(2), 400)'
    const parent = `import { spawnSync } from 'node:child_process'; ${hold.replace('400', '0')}; spawnSync(process.execPath, ['--eval', ${JSON.stringify(hold)}])`
    let end = () => 0
    await runProgram(program(parent), { onStart: (pid) => (end = watchMemory(pid)) })
    expect(end()).toBeGreaterThan(300e6)
    expect(end()).toBeLessThan(700e6)
  })
})
