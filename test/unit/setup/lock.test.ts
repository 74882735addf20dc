import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { holderOf, isLockLeftover, tryLock } from '../../../scripts/common/lock.mjs'
import { ownIdentity } from '../../../scripts/common/process-identity.mjs'
import { waitForLock } from '../../../scripts/setup/wait-for-lock.mjs'
import { runNode } from '../../helpers/processes/child.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { skip } from '../../helpers/skip.js'
import { until } from '../../helpers/until.js'

const LOCK = new URL('../../../scripts/common/lock.mjs', import.meta.url).href
const CONTENDER = fileURLToPath(new URL('../../helpers/processes/lock-contender.mjs', import.meta.url))
const self = ownIdentity()

async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid!
}

async function take(path: string): Promise<() => Promise<void>> {
  const lock = await tryLock(path)
  if ('holder' in lock) throw new Error(`held by ${lock.holder.pid}`)
  return lock.release
}

test('of several processes that take it and take it over at once, one has it at a time; nothing is left beside it', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'a.lock')
  const dead = await deadProcess()
  const ends = await Promise.all(Array.from({ length: 5 }, () => runNode([CONTENDER, LOCK, path, '40', String(dead)])))
  for (const end of ends) expect(end).toEqual({ code: 0, signal: null, stdout: '40\n', stderr: '' })
  expect((await readdir(folder.path)).filter((name) => name !== 'a.lock')).toEqual([])
}, 120_000)

test('a lock that was judged dead and is another’s by now stays', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'a.lock')
  await writeFile(path, JSON.stringify({ ...self, pid: await deadProcess() }))
  const [first, second] = await Promise.all([tryLock(path), tryLock(path)])
  expect([first, second].filter((lock) => 'release' in lock)).toHaveLength(1)
  expect(await holderOf(path)).toMatchObject({ pid: process.pid, life: 'alive' })
})

test('two locks of one process are told apart: the release of the first leaves the second', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'a.lock')
  const first = await take(path)
  await first()
  const second = await take(path)
  await first()
  expect(await holderOf(path)).toMatchObject({ life: 'alive' })
  await second()
  expect(await readdir(folder.path)).toEqual([])
})

test('one that takes it over is waited for, but not one that died while it did, or went down with its machine', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'a.lock')
  const announced = (name: string): string => `${path}.1.${name}.takes`
  const dead = { ...self, pid: await deadProcess() }
  await writeFile(path, JSON.stringify(dead))
  await writeFile(announced('aaaaaaaaaaaa'), JSON.stringify(dead))
  await writeFile(announced('bbbbbbbbbbbb'), JSON.stringify({ ...self, system: 'other', host: 'elsewhere' }))
  await utimes(announced('bbbbbbbbbbbb'), 1, 1)
  await (await take(path))()

  await writeFile(path, JSON.stringify(dead))
  await writeFile(announced('cccccccccccc'), JSON.stringify(self))
  let taken = false
  let attempts = 0
  const watcher = watch(folder.path, (_, name) => void (name?.endsWith('.takes') && attempts++)) // it announces each
  const waiting = take(path).then((release) => ((taken = true), release()))
  await until('it has tried several times', () => attempts >= 8)
  watcher.close()
  expect(taken).toBe(false)
  await writeFile(announced('cccccccccccc'), JSON.stringify(dead))
  await waiting
})

test('what a process leaves that dies while it takes a lock is known as that', async () => {
  const dead = await deadProcess()
  const names = [`run.lock.${dead}.0123456789ab`, `run.lock.${dead}.0123456789ab.new`, `run.lock.${dead}.0123456789ab.takes`, `run.lock.${process.pid}.0123456789ab`, 'run.lock', `other.${dead}.0123456789ab`]
  expect(names.map((name) => isLockLeftover('run.lock', name))).toEqual([true, true, true, false, false, false])
})

const elsewhere = 'set-up waits for one of another machine, and says what to remove if that is gone'
if (process.platform !== 'linux') skip(elsewhere, 'only Linux tells one boot and container from another')
else {
  test(elsewhere, async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'setup.lock')
    await writeFile(path, JSON.stringify({ ...self, system: 'other', host: 'elsewhere' }))
    const said: string[] = []
    const waiting = waitForLock(path, (line) => said.push(line))
    await until('it says what it waits for', () => said.length > 0)
    expect(said).toEqual([`Another set-up (process ${process.pid} on elsewhere) may be running here; waiting for it. If it is gone, remove ${path}`])
    await writeFile(path, JSON.stringify({ ...self, started: '1' })) // its number is another process's by now
    await (await waiting)()
  })
}
