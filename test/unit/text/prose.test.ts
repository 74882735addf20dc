import { Writable } from 'node:stream'
import { main, makeProgram } from '../../../src/cli/main.js'
import { columnsOf } from '../../../src/text/columns.js'
import { prose, proseRows } from '../../../src/text/prose.js'
import { workInEmptyFolder } from '../../helpers/files/empty-folder.js'

workInEmptyFolder()

const TERMINAL = { isTTY: true, columns: 24 }

test('on a terminal lines break between words; elsewhere they are as long as they are', () => {
  const text = 'A long line of words that breaks.\nA short one.'
  expect(prose(text, TERMINAL)).toBe('A long line of words\nthat breaks.\nA short one.')
  expect(prose(text, { isTTY: false, columns: 24 })).toBe(text)
  expect(prose(text, {})).toBe(text)
})

test.each<[string, string, number, string]>([
  ['a line’s own indent goes on', '  indented words that are broken', 0, '  indented words that\n  are broken'],
  ['what hangs goes further', '  indented words that are broken', 2, '  indented words that\n    are broken'],
  ['a word longer than a line has one of its own', 'see /a/path/that/is/longer/than/all.txt there', 0, 'see\n/a/path/that/is/longer/than/all.txt\nthere'],
  ['a number keeps its unit', 'it was right in some 91.4 % of all', 0, 'it was right in some\n91.4 % of all'],
  ['time keeps its units', 'it will take another 12 min 5 s', 0, 'it will take another\n12 min 5 s'],
  ['columns are kept', 'name    value  more', 0, 'name    value  more'],
  ['wide letters take two', '図書館図書館図書館 図書館', 0, '図書館図書館図書館\n図書館'],
  ['an empty line stays', '\n\nx', 0, '\n\nx'],
])('%s', (_, text, hang, expected) => expect(prose(text, TERMINAL, hang)).toBe(expected))

test('a terminal of no width is 80 wide, and a very narrow one breaks no more than it must', () => {
  expect(prose('x '.repeat(60).trim(), { isTTY: true, columns: 0 }).split('\n').map((line) => line.length)).toEqual([79, 39])
  expect(prose('some words', { isTTY: true, columns: 3 })).toBe('some words')
})

test('rows hang under their second column', () => {
  expect(proseRows([['name', 'words that do not fit on the line']], 6, TERMINAL)).toEqual(['name   words that do not\n       fit on the line'])
})

class Screen extends Writable {
  readonly isTTY = true
  text = ''
  constructor(readonly columns: number) {
    super()
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

async function show(args: readonly string[], columns: number): Promise<string> {
  const screen = new Screen(columns)
  await main(args, { stdout: screen, stderr: screen })
  return screen.text
}

/** Of what commands say without anything to work on. */
const SAID = [
  ['train', 'nowhere', '--epochs', '0'],
  ['train', 'nowhere', '--weights', 'none'],
  ['train', 'nowhere', '--recipe', 'notebook', '--progressive-resizing'],
  ['train', '--resume', '--output', 'nothing'],
  ['train', '--resume'],
  ['train', 'x', '--model', 'regnet'],
  ['predict', 'nothing.safetensors', 'x.jpg'],
  ['predict', 'nothing', 'https://example.org/a.jpg'],
  ['predict', 'nothing', '-', '-'],
  ['evaluate', 'nothing', 'nowhere', '--split', 'train'],
  ['summary', 'nothing'],
  ['inspect', 'nothing'],
  ['export', 'nothing', '--format', 'web'], ['weights', 'pull', 'nothing'], ['weights'], ['doctor'], ['train', '--outputs', 'x'],
]
const program = await makeProgram({ stdout: new Screen(80), stderr: new Screen(80) }, () => {})
const helps = program.commands.flatMap((command) => [[command.name(), '--help'], ...command.commands.map((inner) => [command.name(), inner.name(), '--help'])])

test.each([...helps, ['--help'], ...SAID].map((args) => [args.join(' '), args] as const))('torchgraft %s breaks no word, at whatever width', async (_, args) => {
  const wide = await show(args, 500)
  for (const columns of [80, 60]) {
    const text = await show(args, columns)
    expect(text.split(/\s+/)).toEqual(wide.split(/\s+/))
    const tooWide = text.split('\n').filter((line) => columnsOf(line) > columns && !/^ *\S+$/.test(line)) // but for a path or an address that takes more
    expect(args[0] === 'weights' && columns < 80 ? [] : tooWide).toEqual([]) // its table is 72 wide
  }
})
