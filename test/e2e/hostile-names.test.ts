import { cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { main } from '../../src/cli/main.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.js'
import { CLEAR_LINE } from '../../src/text/safe-terminal.js'
import { makeImages } from '../helpers/images/image-folder.js'

/** What a terminal would act on: OSC and CSI by ESC and by C1, a line of its own, a return, turned writing, DEL. */
const NAME = 'a\u001b]0;x\u0007\u001b[2J\u009b31m\u202e\u2066\u061c\u2028\r\nINJECTED: 5 %\t\u007f b'
const MODEL = join('runs', NAME, 'best.safetensors')
const SMALL = ['--size', '32', '--batch-size', '4', '--device', 'cpu', '--precision', 'fp32', '--threads', '1']

interface End {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command off a terminal and on one, where `CLEAR_LINE` is ours. */
async function run(args: readonly string[], isTTY: boolean): Promise<End> {
  const text = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof text) => ({ isTTY, columns: 80, write: (part: string) => void (text[name] += part) })
  const code = await main(args, { stdout: stream('stdout'), stderr: stream('stderr') })
  return { code, ...text }
}

function expectHarmless(text: string, isTTY: boolean): void {
  const shown = isTTY ? text.replaceAll(CLEAR_LINE, '') : text
  expect(shown.replaceAll('\n', '').match(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu) ?? []).toEqual([])
  expect(shown.split('\n').filter((line) => line.startsWith('INJECTED'))).toEqual([])
}

let folder = ''
const before = { folder: process.cwd(), libtorch: process.env['LIBTORCH'] }
const restoreLibtorch = (): void => {
  if (before.libtorch === undefined) delete process.env['LIBTORCH']
  else process.env['LIBTORCH'] = before.libtorch
}

beforeAll(async () => {
  process.chdir((folder = await mkdtemp(join(tmpdir(), 'torchgraft-hostile-'))))
  await makeImages(NAME, 6)
  await rename(join(NAME, 'blue'), join(NAME, NAME))
  for (const label of [NAME, 'red']) await rename(join(NAME, label, '0.png'), join(NAME, label, `${NAME}.png`))
  await writeFile(join(NAME, 'red', `${NAME}.jpg`), 'no image')
  await writeFile(join(NAME, NAME, `${NAME}.bmp`), 'BM')
  await mkdir('empty')
  await cp(join(NAME, 'red'), join('empty', NAME), { recursive: true })
  await writeFile('names.txt', `${NAME.replaceAll('\n', ' ')}\nb\nc\n`)
})
afterAll(async () => {
  process.chdir(before.folder)
  restoreLibtorch()
  await rm(folder, { recursive: true })
})

/** In this order: some take what others leave. */
const COMMANDS: readonly (readonly [args: readonly string[], endsWell: boolean])[] = [
  [['train', NAME, '--output', join('runs', NAME), '--epochs', '1', '--weights', 'none', ...SMALL], true],
  [['train', NAME, '--output', join('runs', NAME)], false],
  [['train', NAME, '--model', NAME], false],
  [['train', NAME, '--weights', NAME, ...SMALL], false],
  [['train', join(NAME, 'nowhere')], false],
  [['train', '--resume', '--output', NAME], false],
  [['evaluate', MODEL, NAME, '--all', ...SMALL.slice(4)], true],
  [['evaluate', MODEL, 'empty'], true],
  [['evaluate', NAME, NAME], false],
  [['predict', MODEL, NAME, join(NAME, 'red', `${NAME}.jpg`), NAME + NAME], false],
  [['predict', MODEL, join(NAME, NAME, `${NAME}.png`), '--csv'], true],
  [['predict', NAME, NAME], false],
  [['predict', MODEL, join(NAME, 'nowhere')], false],
  [['predict', MODEL, NAME, '--classes', NAME], false],
  [['stats', NAME], true],
  [['stats', join(NAME, NAME)], false],
  [['preview', NAME, '--output', `${NAME}.png`, '--size', '32'], true],
  [['overfit', NAME, '--steps', '10', '--weights', 'none', ...SMALL], false],
  [['overfit', NAME, '--model', NAME], false],
  [['summary', MODEL], true],
  [['summary', NAME], false],
  [['inspect', join('runs', NAME)], true],
  [['inspect', MODEL], true],
  [['inspect', 'odd.safetensors'], true],
  [['inspect', join(NAME, 'nowhere')], false],
  [['predict', 'odd.safetensors', NAME], false],
  [['train', NAME, '--weights', 'odd.safetensors', ...SMALL], false],
  [['export', MODEL, '--format', 'onnx', '--output', `${NAME}.onnx`], true],
  [['export', MODEL, '--format', 'pth', '--output', `${NAME}.pth`], true],
  [['export', MODEL, '--format', 'pth', '--output', join(NAME, 'nowhere', NAME)], false],
  [['inspect', `${NAME}.onnx`], true],
  [['inspect', `${NAME}.pth`], true],
  [['predict', `${NAME}.pth`, join(NAME, 'red', `${NAME}.png`), '--classes', 'names.txt', '--size', '32'], true],
  [['weights'], true],
  [['weights', 'pull', NAME], false],
  [['doctor'], true],
  [['setup'], false],
  [[NAME], false],
  [['train', NAME, `--${NAME}`], false],
]

describe.each([false, true])('on a terminal: %s', (isTTY) => {
  beforeAll(async () => {
    for (const name of [join('runs', NAME), `${NAME}.png`, `${NAME}.onnx`, `${NAME}.pth`]) await rm(name, { recursive: true, force: true })
  })

  test.each(COMMANDS)('%j writes nothing that a terminal acts on', async ([command = '', ...rest], endsWell) => {
    if (rest.includes('odd.safetensors')) {
      const { tensors, metadata } = await readSafetensors(MODEL)
      const [first] = tensors.values()
      await writeSafetensors('odd.safetensors', new Map([...tensors, [NAME, first!]]), { ...metadata, [NAME]: NAME })
    }
    if (['doctor', 'setup'].includes(command)) process.env['LIBTORCH'] = join(folder, NAME)
    try {
      const end = await run([command, ...rest], isTTY)
      expectHarmless(end.stdout, isTTY)
      expectHarmless(end.stderr, isTTY)
      expect({ ...end, endsWell: end.code === 0 }).toMatchObject({ endsWell })
      if (!rest.includes('--csv') && command !== NAME) {
        const json = await run([command, ...rest, '--json'], isTTY)
        expectHarmless(json.stdout, isTTY)
        expectHarmless(json.stderr, isTTY)
        if (json.stdout !== '') JSON.parse(json.stdout)
      }
    } finally {
      restoreLibtorch()
    }
  }, 60_000)
})

test('--json tells each name as it is', async () => {
  const { stdout } = await run(['predict', MODEL, join(NAME, NAME, `${NAME}.png`), '--json'], false)
  expect(JSON.parse(stdout)).toEqual([{ image: join(NAME, NAME, `${NAME}.png`), predictions: expect.arrayContaining([{ label: NAME, probability: expect.any(Number) }]) }])
  expect(await readdir('.')).toContain(NAME)
})
