import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { readModelFile } from '../../../src/runs/model-file.js'
import { type ChildEnd, ROOT } from '../../helpers/processes/child.js'
import { findPython } from '../../helpers/processes/python.js'
import { skip } from '../../helpers/skip.js'
import { afterEpoch, SMALL, workFolder } from '../../helpers/work-folder.js'

const { at, cli, events } = workFolder()
const OPTIONS = ['--epochs', '2', '--lr', '0.003', '--val', '0.3', '--no-progressive-resizing', ...SMALL]

/** The command line as every rank of a launcher is given it, with the launcher's environment. */
async function launched(worldSize: number, wordsOf: (rank: number) => readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ChildEnd[]> {
  const port = env['MASTER_PORT'] ?? (await freePort())
  const [ranks, master] = [String(worldSize), { MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(port) }]
  const common = { ...process.env, WORLD_SIZE: ranks, LOCAL_WORLD_SIZE: ranks, ...master, ...env }
  const rank = (i: number): Promise<ChildEnd> => cli(wordsOf(i), { env: { ...common, RANK: String(i), LOCAL_RANK: String(i) } })
  return Promise.all(Array.from({ length: worldSize }, (_, i) => rank(i)))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

interface Numbers {
  readonly losses: readonly number[]
  readonly scores: readonly unknown[]
}

async function numbersOf(run: string): Promise<Numbers> {
  const all = await events(run)
  const losses = all.filter(({ type }) => type === 'step').map(({ loss }) => loss as number)
  return { losses, scores: all.filter(({ type }) => type === 'epoch').map(({ val }) => val) }
}

const sameBytes = async (one: string, other: string): Promise<boolean[]> =>
  Promise.all(['best.safetensors', 'last.safetensors'].map(async (file) => (await readFile(at(one, file))).equals(await readFile(at(other, file)))))

describe('a run of several ranks', () => {
  test('of which each has a part of every batch trains as one process does, where batch norm is frozen', async () => {
    for (const [run, device] of [['alone', 'cpu'], ['two', 'cpu:2'], ['four', 'cpu:4']] as const) {
      const end = await cli(['train', 'colours', '--output', run, ...OPTIONS, '--freeze', 'trunk', '--device', device])
      expect(end).toMatchObject({ code: 0, stdout: expect.stringContaining('Its file was loaded again and scored the same.') })
      expect(end.stderr.match(/images to train on/g)).toHaveLength(1)
    }
    const alone = await numbersOf('alone')
    for (const run of ['two', 'four']) {
      const { losses, scores } = await numbersOf(run)
      expect(losses).toHaveLength(alone.losses.length)
      for (const [i, loss] of losses.entries()) expect(loss).toBeCloseTo(alone.losses[i]!, 5)
      expect(scores).toEqual(alone.scores.map((score) => {
        const { loss, top1, count } = score as { loss: number; top1: number; count: number }
        return { loss: expect.closeTo(loss, 5), top1, count }
      }))
    }
  }, 180_000)

  test('writes what a single one does, and says in config.json how many there were', async () => {
    expect((await readdir(at('two'))).sort()).toEqual((await readdir(at('alone'))).sort())
    const configOf = async (run: string): Promise<Record<string, unknown>> => JSON.parse(await readFile(at(run, 'config.json'), 'utf8')) as Record<string, unknown>
    expect(await configOf('two')).toEqual({ ...(await configOf('alone')), worldSize: 2 })
    expect(await readFile(at('two', 'split.json'), 'utf8')).toBe(await readFile(at('alone', 'split.json'), 'utf8'))
    const [two, alone] = await Promise.all(['two', 'alone'].map((run) => readModelFile(at(run, 'best.safetensors'))))
    expect([...two!.tensors.keys()]).toEqual([...alone!.tensors.keys()])
  })

  test('that is interrupted saves, and ends with the bytes of one that was not', async () => {
    const words = ['--device', 'cpu:2', ...OPTIONS.filter((word) => word !== '--device' && word !== 'cpu'), '--epochs', '4']
    const whole = await cli(['train', 'colours', '--output', 'whole', ...words])
    expect(whole.code).toBe(0)
    const stopped = await cli(['train', 'colours', '--output', 'stopped', ...words], { onOutput: afterEpoch(1, (kill) => kill('SIGINT')) })
    expect(stopped).toMatchObject({ code: 130, stdout: '', stderr: expect.stringContaining('npx torchgraft train --resume --output stopped') })
    const resumed = await cli(['train', '--resume', '--output', 'stopped', '--device', 'cpu:2'])
    expect(resumed).toMatchObject({ code: 0, stderr: expect.stringContaining('Continuing from last.safetensors') })
    expect(await sameBytes('stopped', 'whole')).toEqual([true, true])
  }, 180_000)

  test('that one process goes on with has the same losses to rounding, and says that its last digits may differ', async () => {
    const words = [...OPTIONS, '--freeze', 'trunk', '--epochs', '4']
    expect((await cli(['train', 'colours', '--output', 'four-epochs', ...words])).code).toBe(0)
    const stopped = await cli(['train', 'colours', '--output', 'moved', ...words, '--device', 'cpu:2'], { onOutput: afterEpoch(1, (kill) => kill('SIGTERM')) })
    expect(stopped.code).toBe(130)
    const resumed = await cli(['train', '--resume', '--output', 'moved'])
    expect(resumed).toMatchObject({ code: 0, stderr: expect.stringMatching(/This run began with 2 ranks of 1 thread on .*, and continues with 1 thread/) })
    const [moved, whole] = [await numbersOf('moved'), await numbersOf('four-epochs')]
    for (const [i, loss] of moved.losses.slice(-3).entries()) expect(loss).toBeCloseTo(whole.losses.slice(-3)[i]!, 5)
  }, 180_000)

  test('a batch that is not shared evenly is refused, with those that are', async () => {
    const end = await cli(['train', 'colours', '--output', 'uneven', ...OPTIONS, '--device', 'cpu:3'])
    expect(end).toMatchObject({ code: 2, stdout: '', stderr: 'torchgraft: Expected a batch size that 3 ranks share evenly, such as 6 or 9, for --batch-size but received 8\n' })
    expect(await readdir(at('.'))).not.toContain('uneven')
  })
})

describe('under a launcher', () => {
  const words = (run: string, ...more: readonly string[]): readonly string[] => ['train', 'colours', '--output', run, ...OPTIONS, ...more]

  test('rank 0 speaks, the others are silent, and all end well', async () => {
    const ends = await launched(2, () => words('launched'))
    expect(ends.map(({ code }) => code)).toEqual([0, 0])
    expect(ends[1]).toMatchObject({ stdout: '', stderr: '' })
    expect(ends[0]?.stdout).toContain('scored the same')
  })

  test('what it starts anew goes on where it was, by the job\'s name or the folder\'s', async () => {
    const again = await launched(2, () => words('launched'), { TORCHELASTIC_RESTART_COUNT: '1' })
    expect(again[0]).toMatchObject({ code: 0, stderr: expect.stringContaining('last.safetensors is at the end of training') })
    const job = { TORCHELASTIC_RUN_ID: 'job-7' }
    const unnamed = ['train', 'colours', ...OPTIONS]
    expect((await launched(2, () => unnamed, job)).map(({ code }) => code)).toEqual([0, 0])
    const restarted = await launched(2, () => unnamed, { ...job, TORCHELASTIC_RESTART_COUNT: '1' })
    expect(restarted[0]).toMatchObject({ code: 0, stderr: expect.stringContaining('last.safetensors is at the end of training') })
    expect(await readdir(at('runs'))).toEqual(['colours'])
  }, 120_000)

  test('a rank with other options ends all, by its name and the option\'s', async () => {
    const ends = await launched(2, (rank) => words('odd', '--seed', String(rank)))
    expect(ends.map(({ code }) => code)).toEqual([1, 1])
    expect(ends[0]?.stderr).toContain('torchgraft: Rank 1 was started with other options than rank 0: --seed is 1, not 0. Start all ranks with the same ones\n')
  })

  test('a rank whose folder lacks an image ends all, by the rank\'s name and the image\'s', async () => {
    await cp(at('colours'), at('less'), { recursive: true })
    await rm(at('less/red/3.png'))
    const ends = await launched(2, (rank) => ['train', rank === 0 ? 'colours' : 'less', '--output', 'lacking', ...OPTIONS])
    expect(ends.map(({ code }) => code)).toEqual([1, 1])
    expect(ends[0]?.stderr).toMatch(/torchgraft: Rank 1, in \S+less, sees other images than rank 0 in \S+colours: the first that differs is /)
  })

  test('a rank that fails ends all, and what it failed with is told once on the machine', async () => {
    await writeFile(at('in-the-way'), '')
    const ends = await launched(2, () => ['train', 'colours', '--output', 'in-the-way/run', ...OPTIONS])
    expect(ends.map(({ code }) => code)).toEqual([1, 1])
    expect(ends.map(({ stderr }) => stderr)).toEqual([expect.stringContaining('torchgraft: Could not make'), ''])
  })

  test.each([['RANK', '7', '--device', 'cpu'], ['MASTER_PORT', 'http', '--device', 'cpu'], ['', '', '--device', 'cpu:2']])('%s %s %s %s is wrong usage', async (name, value, ...device) => {
    const env = { ...process.env, RANK: '0', WORLD_SIZE: '2', LOCAL_RANK: '0', LOCAL_WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: '29999', ...(name && { [name]: value }) }
    const end = await cli([...words('wrong'), ...device], { env })
    expect(end).toMatchObject({ code: 2, stderr: expect.stringContaining(name ? `the environment's ${name} but received "${value}"` : 'since the environment names a rank already') })
  })
})

const python = findPython()
const title = 'torchrun starts ranks, and starts them anew after one is killed: the run ends with the bytes of one that was not'
if (!python) skip(title, 'there is no Python with torch (TORCHGRAFT_PYTHON)')
else test(title, async () => {
  const words = ['--epochs', '3', ...OPTIONS.slice(2)]
  const whole = await cli(['train', 'colours', '--output', 'not-killed', ...OPTIONS, '--epochs', '3', '--device', 'cpu:2'])
  expect(whole.code).toBe(0)
  const program = [process.execPath, join(ROOT, 'scripts/torchgraft.mjs'), 'train', 'colours', '--output', 'killed', ...words]
  const torchrun = ['-m', 'torch.distributed.run', '--standalone', '--no-python', '--nproc-per-node', '2', '--max-restarts', '1', ...program]
  const child = spawn(python, torchrun, { cwd: at('.'), stdio: ['ignore', 'ignore', 'pipe'] })
  let [said, killed] = ['', false]
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (killed || !/^ {4}1 /m.test(said)) return
    killed = true
    process.kill(rankOf(child.pid!, '1'), 'SIGKILL')
  })
  expect(await once(child, 'close')).toEqual([0, null])
  // Whichever sees it first says so: rank 0, that rank 1 is gone; or torchrun, which then ends rank 0 by SIGTERM.
  expect(said).toMatch(/torchgraft: Rank 1 \(process \d+ on .+\) is gone, killed or crashed|exitcode: -9\) local_rank: 1/)
  expect(said).toContain('Continuing from last.safetensors')
  expect(await sameBytes('killed', 'not-killed')).toEqual([true, true])
}, 180_000)

/** The process of a rank among a launcher's. */
function rankOf(launcher: number, rank: string): number {
  const children = readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'utf8').trim().split(' ').map(Number)
  return children.find((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`RANK=${rank}`))!
}
