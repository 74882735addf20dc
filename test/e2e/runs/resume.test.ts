import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { afterEpoch, editConfig, FOUR_EPOCHS, lastLine, workFolder } from '../../helpers/work-folder.js'

const { at, cli } = workFolder()

beforeAll(async () => {
  expect((await cli(['train', 'colours', '--output', 'whole', ...FOUR_EPOCHS])).code).toBe(0)
  const end = await cli(['train', 'colours', '--output', 'stopped', ...FOUR_EPOCHS], { onOutput: afterEpoch(2, (kill) => kill('SIGHUP')) })
  expect(end.code).toBe(130)
})

/** A copy of the run that was stopped after its second epoch. */
async function stopped(name: string): Promise<string> {
  await cp(at('stopped'), at(name), { recursive: true })
  return name
}

/** The bytes of the run that nothing happened to. */
async function expectTheUnbrokenEnd(run: string): Promise<void> {
  for (const file of ['best.safetensors', 'last.safetensors']) {
    expect((await readFile(at(run, file))).equals(await readFile(at('whole', file)))).toBe(true)
  }
}

describe('a run that is resumed', () => {
  test('after a closed terminal ends as the one that was never stopped; once over, --resume loads the best and scores it again', async () => {
    const run = await stopped('hangup')
    const end = await cli(['train', '--resume', '--output', run])
    expect(end).toMatchObject({ code: 0, stderr: expect.stringMatching(/Continuing from last\.safetensors: .* epoch \d\./) })
    await expectTheUnbrokenEnd(run)
    const before = await readdir(at(run))
    const over = await cli(['train', '--resume', '--output', run])
    expect(over).toMatchObject({ code: 0, stdout: expect.stringContaining('scored the same'), stderr: expect.stringContaining('last.safetensors is at the end of training: only the best model is loaded and scored again.') })
    expect(await readdir(at(run))).toEqual(before)
    await expectTheUnbrokenEnd(run)
  })

  test('before anything was saved begins from the beginning', async () => {
    const run = await stopped('early')
    for (const name of ['last.safetensors', 'last.previous.safetensors', 'best.safetensors', 'events.jsonl', 'split.json']) await rm(at(run, name), { force: true })
    await editConfig(at(run, 'config.json'), (config) => JSON.stringify({ formatVersion: 1, torchgraft: '0.1.0', data: config.data, options: config.options, processor: 'x' })) // as it is before training begins
    expect((await cli(['inspect', run])).stdout).toMatch(/^--resume +would start from the beginning: nothing was saved yet$/m)
    expect((await cli(['train', '--resume', '--output', run])).code).toBe(0)
    await expectTheUnbrokenEnd(run)
  })

  test('takes over from a process that is gone, with a line, and removes what that was writing', async () => {
    const run = await stopped('dead')
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    await writeFile(at(run, 'run.lock'), JSON.stringify({ pid: child.pid }))
    await writeFile(at(run, '.0123456789ab.tmp'), 'half')
    expect((await cli(['inspect', run])).stdout).toMatch(new RegExp(`^locked by +process ${child.pid}, which no longer runs\n--resume +would take over from a process that no longer runs, and continue after (?:epoch \\d, step \\d|the end of epoch \\d)$`, 'm'))
    expect(await cli(['train', '--resume', '--output', run])).toMatchObject({ code: 0, stderr: expect.stringContaining(`Process ${child.pid}, which had locked this run, no longer runs: the lock was taken over.`) })
    expect((await readdir(at(run))).sort()).toEqual((await readdir(at('whole'))).sort())
  })

  test.each(['is cut short', 'has one bit flipped'])('whose last file %s goes on from the one before, says so, and ends the same', async (how) => {
    const run = await stopped(`damaged ${how}`)
    const bytes = await readFile(at(run, 'last.safetensors'))
    bytes[how === 'is cut short' ? 0 : bytes.length >> 1]! ^= 4
    await writeFile(at(run, 'last.safetensors'), how === 'is cut short' ? bytes.subarray(0, 1000) : bytes)
    expect((await cli(['inspect', run])).stdout).toMatch(/^--resume +would fall back to last\.previous\.safetensors \(.*\), and continue after .*$/m)
    expect(await cli(['train', '--resume', '--output', run])).toMatchObject({ code: 0, stderr: expect.stringMatching(/last\.safetensors.*Continuing from last\.previous\.safetensors, the one saved before it\./) })
    await expectTheUnbrokenEnd(run)
  })

  test('of which no last file is whole says what to do', async () => {
    const run = await stopped('lost')
    for (const name of ['last.safetensors', 'last.previous.safetensors']) await writeFile(at(run, name), 'x')
    expect(lastLine(await cli(['train', '--resume', '--output', run]))).toMatch(/last\.safetensors is not a valid .*; the one saved before it is missing or damaged too\. To start from the beginning, remove it$/)
  })

  test('does not mind a log that was cut, or is gone', async () => {
    const run = await stopped('log')
    await writeFile(at(run, 'events.jsonl'), '{"time":"20')
    expect(await cli(['train', '--resume', '--output', run])).toMatchObject({ code: 0, stderr: expect.stringMatching(/events\.jsonl ends in epoch 1, though epoch \d is finished: it has been changed since\./) })
    await expectTheUnbrokenEnd(run)
  })
})
