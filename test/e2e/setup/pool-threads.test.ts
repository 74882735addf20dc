import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT, runNode } from '../../helpers/processes/child.js'
import { skip } from '../../helpers/skip.js'

const STARTER = join(ROOT, 'scripts/pool-threads.cjs')

/** Threads that libuv's pool adds to a program of ES modules on a machine of so many processors. */
async function poolThreads(processors: number, env: NodeJS.ProcessEnv = {}): Promise<number> {
  const script = (pool: string): string => `
    const os = require('node:os')
    os.availableParallelism = () => ${processors}
    ${pool}
    import(${JSON.stringify(pathToFileURL(join(ROOT, 'scripts/setup/node-version.mjs')).href)}).then(async () => {
      const { stat, readdir } = require('node:fs/promises')
      await Promise.all(Array.from({ length: 200 }, () => stat('.')))
      console.log((await readdir('/proc/self/task')).length)
    })`
  const count = async (pool: string, more: NodeJS.ProcessEnv): Promise<number> => {
    const { UV_THREADPOOL_SIZE: _, ...rest } = process.env
    const { stdout, stderr } = await runNode(['--eval', script(pool)], { env: { ...rest, ...more } })
    expect(stderr).toBe('')
    return Number(stdout)
  }
  const one = await count('', { UV_THREADPOOL_SIZE: '1' })
  return (await count(`require(${JSON.stringify(STARTER)})`, env)) - one + 1
}

if (process.platform !== 'linux') skip('threads that decode', 'only Linux tells a process’s threads in /proc')
else test.each<[number, NodeJS.ProcessEnv, number]>([
  [1, {}, 4], [4, {}, 4], [9, {}, 9], [9, { UV_THREADPOOL_SIZE: '2' }, 2],
])('on %i processors with %j there are %i threads that decode', async (processors, env, expected) => {
  expect(await poolThreads(processors, env)).toBe(expected)
})

test('the command is started with them', async () => {
  const { UV_THREADPOOL_SIZE: _, ...env } = process.env
  const told = `data:text/javascript,${encodeURIComponent("process.on('exit', () => console.error(process.env.UV_THREADPOOL_SIZE))")}`
  const end = await runNode(['--import', told, join(ROOT, 'scripts/torchgraft.cjs'), '--version'], { env })
  expect(end).toMatchObject({ code: 0, stderr: `${Math.max(4, availableParallelism())}\n`, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) })
})
