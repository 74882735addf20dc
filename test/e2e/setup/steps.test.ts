import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { waitForLock } from '../../../scripts/setup/wait-for-lock.mjs'
import { runCommand } from '../../../scripts/setup/run-command.mjs'
import { isUpToDate, writeStamp } from '../../../scripts/setup/stamp.mjs'
import { hashInputs } from '../../../scripts/common/hashes.mjs'
import { runNode } from '../../helpers/processes/child.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { lay } from '../../helpers/set-up.js'

describe('steps that are up to date', () => {
  test('are told by the hashes of their inputs: any change, new file or removal counts', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await lay(path, { 'src/a.ts': '1', 'src/deep/b.ts': '2' })
    const hash = (): string => hashInputs(path, { files: ['src', 'missing'], words: ['w'] })
    const first = hash()
    const stamp = join(path, 'out', '.stamp')
    expect(isUpToDate(stamp, first)).toBe(false)
    writeStamp(stamp, first)
    expect(isUpToDate(stamp, hash())).toBe(true)
    await lay(path, { 'src/c.ts': '' })
    expect(isUpToDate(stamp, hash())).toBe(false)
    expect(hashInputs(path, { files: ['src'], words: ['other'] })).not.toBe(hash())
  })

  test('all of them: set-up says nothing', async () => {
    const end = await runNode(['scripts/setup.mjs'])
    expect(end).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  test('a second set-up waits for the first; a dead one’s lock is taken over', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'setup.lock')
    const said: string[] = []
    const release = await waitForLock(path, (line) => said.push(line))
    const second = waitForLock(path, (line) => (said.push(line), void release()))
    await (await second)()
    expect(said).toEqual([expect.stringContaining(`process ${process.pid}`)])
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    await writeFile(path, JSON.stringify({ pid: child.pid }))
    await (await waitForLock(path, () => {}))()
    expect(await readdir(folder.path)).toEqual([])
  })
})

test('a signal that ends set-up ends the command that it runs, too', async () => {
  await using folder = await temporaryFolder()
  const code = `
    const { runCommand } = await import('./scripts/setup/run-command.mjs')
    await runCommand(process.execPath, ['--eval', 'console.log(process.pid); setInterval(() => {}, 1000)'], { cwd: '.', log: '${folder.path}/log', onOutput: (text) => process.stdout.write(text) })
  `
  const end = await runNode(['--input-type=module', '--eval', code], { onOutput: (stdout, _, kill) => void (stdout.endsWith('\n') && kill('SIGINT')) })
  expect(end.signal).toBe('SIGINT')
  expect(() => process.kill(Number(end.stdout), 0)).toThrow('ESRCH')
})

test('a command that fails is told of with the end of its log', async () => {
  await using folder = await temporaryFolder()
  const failing = runCommand(process.execPath, ['--eval', 'console.log("line one"); console.error("the reason"); process.exit(3)'], { cwd: '.', log: join(folder.path, 'log'), advice: 'Try this.' })
  await expect(failing).rejects.toThrow(/failed \(code 3\)\. Try this\.[\s\S]*the reason[\s\S]*The whole log: .*log/)
})
