import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ownIdentity, processState } from '../../../scripts/common/process-identity.mjs'
import { holderOf, lockRun } from '../../../src/runs/run-lock.js'
import { skip } from '../../helpers/skip.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { until } from '../../helpers/until.js'

const self = ownIdentity()
const onLinux = process.platform === 'linux'

async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid!
}

describe('processState', () => {
  test('this process is alive, and one that has ended is dead', async () => {
    expect(processState(self)).toBe('alive')
    expect(processState({ ...self, pid: await deadProcess() })).toBe('dead')
    expect(processState({ pid: process.pid })).toBe('alive')
  })

  if (!onLinux) skip('a process that got the number of another', 'only /proc tells when a process began')
  else {
    test('a process that got the number of another is not taken for it', () => {
      expect(processState({ ...self, started: '1' })).toBe('dead')
    })

    test('a zombie is dead', async () => {
      // Nobody waits for the shell's child: when it ends, `exec` has long put another program in the shell's place.
      const shell = spawn('sh', ['-c', 'sleep 1 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] })
      try {
        const [data] = (await once(shell.stdout, 'data')) as [Buffer]
        const pid = Number(data.toString())
        const isZombie = (): boolean => /^\d+ \(.*\) Z /s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
        await until('the shell’s child is a zombie', isZombie)
        const started = /\) Z (?:\S+ ){18}(\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))![1]!
        expect(processState({ ...self, pid, started })).toBe('dead')
      } finally {
        shell.kill()
        await once(shell, 'exit')
      }
    })

    test.each([
      ['this machine, before it was started anew', { system: 'other', host: hostname() }, 'dead'],
      ['another machine or container', { system: 'other', host: 'elsewhere' }, 'unknown'],
      ['this machine, which was renamed', { system: self.system!, host: 'elsewhere' }, 'alive'],
    ] as const)('a process of %s', (_, changes, expected) => {
      expect(processState({ ...self, ...changes })).toBe(expected)
    })
  }
})

describe('lockRun', () => {
  test('keeps a folder, tells who holds it, and lets it go', async () => {
    await using folder = await temporaryFolder()
    const lock = await lockRun(folder.path)
    expect(lock.staleLockPid).toBeUndefined()
    expect(await holderOf(folder.path)).toEqual({ pid: process.pid, host: hostname(), life: 'alive' })
    await expect(lockRun(folder.path)).rejects.toMatchObject({ code: 'ERR_RUN_LOCKED', message: expect.stringContaining(`Process ${process.pid} is training in `) })
    await lock.release()
    expect(await holderOf(folder.path)).toBeUndefined()
  })

  test('takes over from a process that is dead, and tells which', async () => {
    await using folder = await temporaryFolder()
    const pid = await deadProcess()
    await writeFile(join(folder.path, 'run.lock'), JSON.stringify({ ...self, pid }))
    expect((await holderOf(folder.path))?.life).toBe('dead')
    const lock = await lockRun(folder.path)
    expect(lock.staleLockPid).toBe(pid)
    await lock.release()
    expect(existsSync(join(folder.path, 'run.lock'))).toBe(false)
  })

  test.each(['', '{', '{"pid":-1}', '[]', 'null'])('takes over from the lock %j, which tells of no process', async (text) => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'run.lock'), text)
    const lock = await lockRun(folder.path)
    expect(lock.staleLockPid).toBeNull()
    await lock.release()
  })

  const unknown = 'says what to do where nobody can tell whether the holder lives'
  if (!onLinux) skip(unknown, 'only Linux tells one boot and container from another')
  else {
    test(unknown, async () => {
      await using folder = await temporaryFolder()
      const path = join(folder.path, 'run.lock')
      await writeFile(path, JSON.stringify({ ...self, system: 'other', host: 'elsewhere' }))
      await expect(lockRun(folder.path)).rejects.toMatchObject({ code: 'ERR_RUN_LOCKED', message: expect.stringContaining(`on elsewhere has locked this run, and whether it is still running cannot be seen from here. If it is not, remove ${path}`) })
    })
  }

  test('where the folder was made anew, another’s lock in it stays', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'run')
    await mkdir(path)
    const lock = await lockRun(path)
    await rm(path, { recursive: true })
    await mkdir(path)
    await writeFile(join(path, 'run.lock'), 'another’s')
    await lock.release()
    expect(await readFile(join(path, 'run.lock'), 'utf8')).toBe('another’s')
  })
})
