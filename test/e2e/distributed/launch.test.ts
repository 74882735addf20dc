import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { processState } from '../../../scripts/common/process-identity.mjs'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { type ChildEnd, type ChildOptions, ROOT, runNode } from '../../helpers/processes/child.js'
import { until } from '../../helpers/until.js'

/** Launches so many ranks, each with a deed of fake-rank.mjs. */
function launch(worldSize: number, deeds: readonly string[], options: ChildOptions = {}): Promise<ChildEnd> {
  return runNode([join(ROOT, 'test/helpers/processes/launch.mjs'), String(worldSize), ...deeds], options)
}

const endOf = ({ stdout }: ChildEnd): unknown => JSON.parse(stdout.split('\n').at(-2) ?? '') as unknown

test('rank 0 has stdout and stderr, its ranks their environment, and its exit code is the launcher\'s', async () => {
  const env = { ...process.env, TORCHELASTIC_RUN_ID: 'of another launcher' }
  const end = await launch(2, ['0=says-env', '1=says-env'], { env })
  const said = { RANK: '0', LOCAL_RANK: '0', WORLD_SIZE: '2', LOCAL_WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1' }
  expect(end).toMatchObject({ code: 0, stderr: 'to stderr', stdout: `${JSON.stringify(said)}${JSON.stringify({ code: 0 })}\n` })
})

test.each([
  ['fails', 'rank 1: a line before\nrank 1: Could not read x.jpg'],
  ['silent', 'Rank 1 ended with exit code 3, and said nothing'],
  ['crashes', 'Rank 1 was ended by SIGSEGV'],
  ['killed', 'Rank 1 was ended by SIGKILL: by hand, or by the system where memory was lacking'],
])('a rank that %s ends all, and is the one that is told of', async (deed, message) => {
  expect(endOf(await launch(3, ['0=tells', `1=${deed}`, '2=tells']))).toEqual({ code: 1, message })
})

test('where all end because of a rank that is stopped, that is ended too, and what they say of it is told once', async () => {
  expect(endOf(await launch(3, ['0=tells', '1=stops', '2=tells']))).toEqual({ code: 1, message: 'Rank 1 is stopped' })
})

test('a rank 0 that fails has said why itself', async () => {
  const end = await launch(2, ['0=fails', '1=tells'])
  expect(endOf(end)).toEqual({ code: 1 })
  expect(end.stderr).toBe('a line before\ntorchgraft: Could not read x.jpg\n')
})

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s reaches all ranks', async (signal) => {
  await using folder = await temporaryFolder()
  const pids = join(folder.path, 'pids')
  const ended = new Promise<ChildEnd>((resolve, reject) => {
    const options: ChildOptions = { env: { ...process.env, TEST_PIDS: pids } }
    launch(2, ['0=on-signal', '1=on-signal'], options).then(resolve, reject)
  })
  await until('both ranks run', async () => (await pidsIn(pids)).length === 2)
  process.kill(await parentOf((await pidsIn(pids))[0]!), signal)
  const end = await ended
  expect(end.stdout).toBe(`${signal}{"code":130}\n`)
})

test.each(['', 'on-signal', 'on-message'])('no rank outlives a launcher that is killed, whatever it does (%s)', async (deed) => {
  await using folder = await temporaryFolder()
  const pids = join(folder.path, 'pids')
  const ended = launch(2, [`0=${deed}`, `1=${deed}`], { env: { ...process.env, TEST_PIDS: pids } })
  await until('both ranks run', async () => (await pidsIn(pids)).length === 2)
  const ranks = await pidsIn(pids)
  process.kill(await parentOf(ranks[0]!), 'SIGKILL')
  expect((await ended).signal).toBe('SIGKILL')
  await until('both ranks have ended', () => ranks.every((pid) => processState({ pid }) === 'dead'))
})

async function pidsIn(file: string): Promise<number[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line !== '').map(Number)
}

async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1])
}
