import { printable, printableLines } from '../../../src/text/format.js'
import { CLEAR_LINE, safeTerminal } from '../../../src/text/safe-terminal.js'
import { makeProgress } from '../../../scripts/setup/progress.mjs'
import { shellWord } from '../../../src/text/shell-word.js'

function written(isTTY: boolean, text: string): string {
  let out = ''
  safeTerminal({ isTTY, write: (part) => (out += part) }).write(text)
  return out
}

test.each([
  ['\u001b[31m', '\\u001b[31m'], ['\u009b2J', '\\u009b2J'], ['a\r\nb\tc', 'a\\u000d\\u000ab\\u0009c'], ['\u007f\u0000', '\\u007f\\u0000'], ['\u202egpj', '\\u202egpj'], ['\u2067\u061c\u200f', '\\u2067\\u061c\\u200f'],
  ['\u2028', '\\u2028'], ['\ud800x', '\\ud800x'], ['Grüße, 花, 👩\u200d🌾, עברית', 'Grüße, 花, 👩\u200d🌾, עברית'], ['a\\u001b', 'a\\u001b'],
])('%j is shown as %j', (text, shown) => expect(printable(text)).toBe(shown))

test('lines stay lines, and JSON the same JSON', () => {
  const value = { 'a\u009b\u202e': 'b\u007f\ud800\u2028' }
  expect(printableLines('a\nb\u001b')).toBe('a\nb\\u001b')
  expect(JSON.parse(printableLines(`${JSON.stringify(value, null, 2)}\n`))).toEqual(value)
})

test('the code that empties a line passes where it is ours: at the beginning, on a terminal', () => {
  expect(written(true, `${CLEAR_LINE}step 1 ${CLEAR_LINE}`)).toBe(`${CLEAR_LINE}step 1 \\u000d\\u001b[2K`)
  expect(written(false, CLEAR_LINE)).toBe('\\u000d\\u001b[2K')
})

test.each([
  ['runs/a/best.safetensors', 'runs/a/best.safetensors'], ["it's here", "'it'\\''s here'"], ['a\u001b[2J', "$'a\\u001b[2J'"], ["\n'\\", "$'\\u000a\\'\\\\'"],
])('%j is quoted for a shell as %s', (text, quoted) => expect(shellWord(text)).toBe(quoted))

test('set-up tells of its steps printably', async () => {
  const said: string[] = []
  await makeProgress({ write: (text) => said.push(text) })('Building for libtorch 2\u001b[31m', async () => {})
  expect(said).toEqual(['Building for libtorch 2\\u001b[31m\n'])
})
