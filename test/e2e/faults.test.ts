import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readModelFile } from '../../src/runs/model-file.js'
import { type ChildEnd, type ChildOptions, ROOT, runCli } from '../helpers/processes/child.js'
import { makeImages } from '../helpers/images/image-folder.js'
import { skip } from '../helpers/skip.js'

const OPTIONS = ['--epochs', '4', '--lr', '0.003', '--val', '0.3', '--size', '96', '--batch-size', '8', '--device', 'cpu', '--precision', 'fp32', '--threads', '1']
const NOBODY = 65_534
const isRoot = process.getuid?.() === 0

let folder = ''
const at = (...path: string[]): string => join(folder, ...path)
const cli = (args: readonly string[], options: ChildOptions = {}): Promise<ChildEnd> => runCli(args, { cwd: folder, ...options })
const lastLine = ({ stderr }: ChildEnd): string => stderr.trim().split('\n').at(-1) ?? ''

/** Acts once, when the line of an epoch has been told. */
function afterEpoch(epoch: number, act: (kill: (signal: NodeJS.Signals) => void) => void): NonNullable<ChildOptions['onOutput']> {
  let done = false
  return (_, stderr, kill) => {
    if (done || !new RegExp(`^ {4}${epoch} `, 'm').test(stderr)) return
    done = true
    act(kill)
  }
}

function whenThere(path: string, act: () => void): void {
  if (existsSync(path)) act()
  else setTimeout(() => whenThere(path, act), 2)
}

/** A copy of the run that was stopped after its second epoch. */
async function stopped(name: string): Promise<string> {
  await cp(at('stopped'), at(name), { recursive: true })
  return name
}

async function expectTheUnbrokenEnd(run: string): Promise<void> {
  for (const file of ['best.safetensors', 'last.safetensors']) expect((await readFile(at(run, file))).equals(await readFile(at('whole', file)))).toBe(true)
}

const edit = async (run: string, change: (config: { data: string; mean: unknown; threads: unknown; options: Record<string, unknown> }) => unknown): Promise<void> => {
  const config = JSON.parse(await readFile(at(run, 'config.json'), 'utf8')) as Parameters<typeof change>[0]
  const text = change(config)
  await writeFile(at(run, 'config.json'), typeof text === 'string' ? text : JSON.stringify(config))
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torchgraft-faults-'))
  await chmod(folder, 0o755)
  await makeImages(at('colours'), 14)
  expect((await cli(['train', 'colours', '--output', 'whole', ...OPTIONS])).code).toBe(0)
  expect((await cli(['train', 'colours', '--output', 'stopped', ...OPTIONS], { onOutput: afterEpoch(2, (kill) => kill('SIGHUP')) })).code).toBe(130)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

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
    await edit(run, (config) => JSON.stringify({ formatVersion: 1, torchgraft: '0.1.0', data: config.data, options: config.options, processor: 'x' })) // as it is before training begins
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

describe('what changed since', () => {
  test.each([
    ['an image is gone', () => rm(at('moving/red/3.png')), 'The images are not those that this run began with'],
    ['an image has another name', () => rename(at('moving/red/3.png'), at('moving/red/zzz.png')), 'The images have other names or places than when this run began'],
    ['the folder is gone', () => rm(at('moving'), { recursive: true }), 'moving'],
  ])('%s: refused, and the files stay', async (_, change, message) => {
    await rm(at('moving'), { recursive: true, force: true })
    await cp(at('colours'), at('moving'), { recursive: true })
    const run = await stopped(`changed ${message.length}`)
    await edit(run, (config) => void (config.data = at('moving')))
    await change()
    const before = await readFile(at(run, 'last.safetensors'))
    const end = await cli(['train', '--resume', '--output', run])
    expect(end.code).toBe(1)
    expect(lastLine(end)).toContain(message)
    expect((await readFile(at(run, 'last.safetensors'))).equals(before)).toBe(true)
  })

  test.each<[string, Parameters<typeof edit>[1], string]>([
    ['is no JSON', () => '{ "options": NaN }', 'Could not read edited/config.json: '],
    ['has a NaN', (config) => JSON.stringify(config).replace('"lr":0.003', '"lr":NaN'), 'Could not read edited/config.json: '],
    ['has a word for a number', ({ options }) => void (options['lr'] = 'fast'), 'edited/config.json was edited into something that cannot be run: Expected a number above 0 for lr but received "fast". Put it back as it was'],
    ['has no rate', ({ options }) => void (options['lr'] = null), 'Expected a number above 0 for lr but received null'],
    ['has an unknown option', ({ options }) => void (options['epcohs'] = 9), 'for an option but received "epcohs"'],
    ['has an unknown model', ({ options }) => void (options['model'] = 'regnet_z'), 'edited/config.json was edited into something that cannot be run: '],
    ['has no options', (config) => void ((config as { options: unknown }).options = null), "edited/config.json is not a run's configuration that this torchgraft reads"],
    ['has another seed', ({ options }) => void (options['seed'] = 2), 'edited/config.json says seed 2, but last.safetensors was trained with 1: put it back as it was'],
    ['has another batch size', ({ options }) => void (options['batchSize'] = 16), 'says batchSize 16, but last.safetensors was trained with 8'],
    ['has another share to validate', ({ options }) => void (options['val'] = 0.5), 'The images have other names or places than when this run began'],
    ['has a mean that is none', (config) => void (config.mean = [1, 'x', 3]), 'Expected three numbers for mean but received [1, "x", 3]'],
    ['has threads that are none', (config) => void (config.threads = -1), 'Expected a positive integer for threads but received -1'],
    ['has other data', (config) => void (config.data = join(ROOT, 'samples/campus')), 'The images are not those that this run began with'],
  ])('a config.json that %s is refused by name, and the files stay', async (_, change, message) => {
    await rm(at('edited'), { recursive: true, force: true })
    await stopped('edited')
    await edit('edited', change)
    const end = await cli(['train', '--resume', '--output', 'edited'])
    expect(end).toMatchObject({ code: 1, stdout: '' })
    expect(lastLine(end)).toContain(message)
    expect((await readFile(at('edited/last.safetensors'))).equals(await readFile(at('stopped/last.safetensors')))).toBe(true)
    expect(await readdir(at('edited'))).not.toContain('run.lock')
  })

  test('options of the command that do not agree are refused by name; more epochs are not', async () => {
    const run = await stopped('options')
    expect(lastLine(await cli(['train', '--resume', '--output', run, '--batch-size', '4']))).toBe('torchgraft: This run began with --batch-size 8, not 4: leave it out, or start a new run')
    expect(lastLine(await cli(['train', '--resume', '--output', run, '--epochs', '2']))).toBe('torchgraft: This run began with --epochs 4, not 2: the number of epochs may only grow')
    const more = await cli(['train', '--resume', '--output', run, '--epochs', '5', '--json', '--batch-size', '8'])
    expect(JSON.parse(more.stdout)).toMatchObject({ stop: 'completed', epochs: 5 })
  })

  test('over, and given more epochs, loads and scores its best at the size that it was scored at, though epochs now have other sizes', async () => {
    // Learns nothing, so the first epoch stays the best.
    const begun = await cli(['train', 'colours', '--output', 'longer', ...OPTIONS, '--lr', '1e-12', '--freeze', 'trunk', '--epochs', '1'])
    expect(begun.code).toBe(0)
    const longer = await cli(['train', '--resume', '--output', 'longer', '--epochs', '2'])
    expect(longer).toMatchObject({ code: 0, stdout: expect.stringContaining('The best epoch is 1:'), stderr: expect.stringContaining('Images grow from 64 to 96 px over the epochs.') })
    expect((await readModelFile(at('longer/best.safetensors'))).metadata).toMatchObject({ size: 96, resize: { crop: 96 } })
  })
})

describe('the folder', () => {
  test('that is another run’s at the time is refused, and inspect tells whose', async () => {
    let second: Promise<ChildEnd[]> | undefined
    const first = await cli(['train', 'colours', '--output', 'twice', ...OPTIONS], {
      onOutput: afterEpoch(1, () => void (second ??= Promise.all([cli(['train', '--resume', '--output', 'twice']), cli(['inspect', 'twice']), cli(['train', 'colours', '--output', 'twice', ...OPTIONS])]))),
    })
    expect(first.code).toBe(0)
    const [resumed, inspected, anew] = (await second!) as [ChildEnd, ChildEnd, ChildEnd]
    if (!/nobody/.test(inspected.stdout)) { // else the first was quicker than they
      expect(lastLine(resumed)).toMatch(/^torchgraft: Process \d+ is training in twice\. Wait for it, or choose another --output$/)
      expect(inspected.stdout).toMatch(/^--resume +would be refused: process \d+ is training here$/m)
    }
    expect(lastLine(anew)).toContain('twice holds a run already')
    await expectTheUnbrokenEnd('twice')
  })

  test('that many would take over at once is taken by one', async () => {
    await mkdir(at('many'))
    const dead = spawn(process.execPath, ['-e', ''])
    await once(dead, 'exit')
    await writeFile(at('many/run.lock'), JSON.stringify({ pid: dead.pid }))
    const script = "process.stdin.once('data', async () => { const { lockRun } = await import(process.argv[1]); await lockRun(process.argv[2]).then(() => console.log('mine'), ({ code }) => console.log(code)); process.stdin.resume() })"
    const module = new URL('../../dist/runs/run-lock.js', import.meta.url).href
    const children = Array.from({ length: 5 }, () => spawn(process.execPath, ['--input-type=module', '-e', script, module, at('many')], { stdio: ['pipe', 'pipe', 'inherit'] }))
    try {
      for (const child of children) child.stdin.write('go')
      const answers = await Promise.all(children.map(async ({ stdout }) => ((await once(stdout, 'data')) as [Buffer])[0].toString().trim()))
      expect(answers.sort()).toEqual(['ERR_RUN_LOCKED', 'ERR_RUN_LOCKED', 'ERR_RUN_LOCKED', 'ERR_RUN_LOCKED', 'mine'])
    } finally {
      for (const child of children) child.kill()
    }
  })

  test('that is removed under way ends the run, which says so', async () => {
    const end = await cli(['train', 'colours', '--output', 'removed', ...OPTIONS], { onOutput: afterEpoch(1, () => rmSync(at('removed'), { recursive: true, force: true })) })
    expect(end.code).toBe(1)
    expect(lastLine(end)).toMatch(/^torchgraft: Could not write removed\/\w+\.safetensors: .*Its folder is not there any more: was it removed\?$/)
  })

  test('that may not be written to is refused before anything is computed, and a run that loses the right keeps its last state', async () => {
    const user = isRoot ? { uid: NOBODY, env: { ...process.env, HOME: folder } } : {}
    await mkdir(at('locked'))
    await chmod(at('locked'), 0o555)
    expect(lastLine(await cli(['train', 'colours', '--output', 'locked', ...OPTIONS], user))).toMatch(/^torchgraft: Could not write into locked: EACCES: .*\. Choose a folder that you may write to$/)
    expect(lastLine(await cli(['train', 'colours', '--output', 'locked/run', ...OPTIONS], user))).toMatch(/^torchgraft: Could not make the folder locked\/run: EACCES/)

    await mkdir(at('losing'))
    await chmod(at('losing'), 0o777)
    const end = await cli(['train', 'colours', '--output', 'losing/run', ...OPTIONS], { ...user, onOutput: afterEpoch(1, () => whenThere(at('losing/run/last.safetensors'), () => chmodSync(at('losing/run'), 0o555))) })
    expect(end.code).toBe(1)
    expect(lastLine(end)).toMatch(/^torchgraft: Could not write losing\/run\/[\w.]+: EACCES: .*\. Choose a folder that you may write to$/)
    expect((await cli(['inspect', 'losing/run'], user)).stdout).toMatch(/^saved +the end of epoch \d of 4, in last\.(?:previous\.)?safetensors$/m)
    await chmod(at('losing/run'), 0o777)
    expect((await cli(['train', '--resume', '--output', 'losing/run'], user)).code).toBe(0)
    await expectTheUnbrokenEnd('losing/run')
  })

  const mounted = isRoot && mountWorks()
  if (!mounted) skip('a disk that fills ends the run with the last state kept', 'a small disk takes the right to mount one')
  else {
    test('on a disk that fills ends the run with the last state kept; with more space it goes on to the same end', async () => {
      await mkdir(at('small'))
      const mount = (...args: string[]): void => expect(spawnSync('mount', args).status).toBe(0)
      mount('-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', at('small')) // room for a last and a best, not for a second last (47 MB each)
      try {
        const end = await cli(['train', 'colours', '--output', 'small/run', ...OPTIONS])
        expect(end.code).toBe(1)
        expect(lastLine(end)).toMatch(/^torchgraft: Could not write small\/run\/[\w.]+: ENOSPC: .*\. Free some space on that disk, or choose another folder$/)
        expect((await readdir(at('small/run'))).filter((name) => name.endsWith('.tmp') || name.startsWith('run.lock'))).toEqual([])
        await readModelFile(at('small/run/last.safetensors'))
        mount('-o', 'remount,size=400m', at('small'))
        expect(await cli(['train', '--resume', '--output', 'small/run'])).toMatchObject({ code: 0, stderr: expect.stringContaining('Continuing from last') })
        await expectTheUnbrokenEnd('small/run')
      } finally {
        spawnSync('umount', [at('small')])
      }
    })
  }
})

function mountWorks(): boolean {
  const place = '/tmp/torchgraft-mount-test'
  const works = spawnSync('sh', ['-c', `mkdir -p ${place} && mount -t tmpfs -o size=1m tmpfs ${place} && umount ${place}; code=$?; rmdir ${place}; exit $code`]).status === 0
  return works && !existsSync(place)
}

describe('learning that goes wrong', () => {
  if (process.platform !== 'linux') skip('memory that runs out names the batch size to try', 'the limit that is set here is Linux’s')
  else {
    test('for want of memory names the batch size to try', () => {
      const args = ['train', 'colours', '--output', 'large', '--epochs', '1', '--size', '512', '--batch-size', '20', '--device', 'cpu', '--precision', 'fp32', '--threads', '1']
      const { status, stderr } = spawnSync('sh', ['-c', `ulimit -d 2000000; exec "$0" "$@"`, process.execPath, join(ROOT, 'scripts/torchgraft.mjs'), ...args], { cwd: folder, encoding: 'utf8' })
      expect({ status, last: stderr.trim().split('\n').at(-1) }).toEqual({ status: 1, last: 'torchgraft: There is not enough memory for a batch of 20 at 512 px. Try a batch size of 10 in a new run' })
    })
  }

  test('is told by the step, its images and the last good state, which is whole', async () => {
    const end = await cli(['train', 'colours', '--output', 'diverged', ...OPTIONS, '--lr', '1e30', '--save-every', '0.0001'])
    expect(end.code).toBe(1)
    expect(lastLine(end)).toMatch(/^torchgraft: The loss is not finite \(NaN or infinite\) in epoch \d, step \d, and in the 2 steps after it\. Images of that step: \w+\/\d+\.png, .*(?:The last good state is last\.safetensors, from .*|Nothing had been saved yet)\. Look at the images/)
    for (const name of (await readdir(at('diverged'))).filter((name) => name.endsWith('.safetensors'))) {
      const { tensors } = await readModelFile(at('diverged', name))
      const numbers = [...tensors].filter(([tensor, { dtype }]) => !/^optimizer/.test(tensor) && dtype === 'float32').flatMap(([, { data }]) => [...new Float32Array(data.slice().buffer)])
      expect(numbers.every(Number.isFinite)).toBe(true)
    }
  })
})
