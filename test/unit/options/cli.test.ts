import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { Command, Option } from 'commander'
import { number, numberOrNone } from '../../../src/cli/command.js'
import { main, makeProgram } from '../../../src/cli/main.js'

/** Of an option that takes text, what it must refuse. One that is not here, takes no words and is no number fails the test. */
const WRONG_TEXT: Readonly<Record<string, readonly string[]>> = {
  '--output': [''], '--model': ['nonsense', ''], '--weights': [''], '--val': ['0', '1', '-0.5', '2', ''], '--mean-std': ['other', '', '1/2', '1,2,3/4,5,x', '0,0,0/0,0,0'],
  '--device': ['gpu', '', 'cuda:', 'cuda:x', 'CPU'], '--freeze': ['all', ''], '--classes': ['nothing.txt', ''],
}
const WRONG_NUMBERS = ['many', '', ' ', 'NaN', '-2', '1e999', '--json']
/** What each command must be given besides. */
const OPERANDS: Readonly<Record<string, readonly string[]>> = {
  train: ['nowhere'], evaluate: ['nothing.safetensors', 'nowhere'], predict: ['nothing.safetensors', 'nothing.jpg'], stats: ['nowhere'], preview: ['nowhere'], overfit: ['nowhere'], summary: ['regnet_y_400mf'], inspect: ['nothing'],
  export: ['nothing.safetensors', '--format', 'pth'], weights: [], 'weights pull': ['nothing'], doctor: [], setup: [],
}

class Text extends Writable {
  text = ''
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

async function run(args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const [stdout, stderr] = [new Text(), new Text()]
  const code = await main(args, { stdout, stderr })
  return { code, stdout: stdout.text, stderr: stderr.text }
}

let folder = ''
const before = process.cwd()
beforeAll(async () => process.chdir((folder = await mkdtemp(join(tmpdir(), 'torchgraft-usage-')))))
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})
afterEach(async () => expect(await readdir(folder)).toEqual([]))

const program = await makeProgram({ stdout: new Text(), stderr: new Text() }, () => {})
const commands = program.commands.flatMap((command) => [[command.name(), command], ...command.commands.map((inner) => [`${command.name()} ${inner.name()}`, inner])] as [string, Command][])
const cases = commands.flatMap(([name, command]) => command.options.map((option): [string, Option] => [name, option]))

/** By what reads its value. */
function wrongValues(command: string, option: Option): readonly string[] {
  if (option.argChoices) return ['nonsense', '', 'DEFAULT']
  if (option.parseArg === number) return WRONG_NUMBERS.filter((text) => !(command === 'summary' && option.long === '--batch-size' && text === '-1'))
  if (option.parseArg === numberOrNone) return [...WRONG_NUMBERS, 'None']
  return WRONG_TEXT[option.long ?? ''] ?? []
}

test('every command is known here, with what it must be given', () => {
  expect(commands.map(([name]) => name).sort()).toEqual(Object.keys(OPERANDS).sort())
})

describe.each(cases.map(([name, option]) => [name, option.long ?? '', option] as const))('torchgraft %s %s', (name, long, option) => {
  const words = name.split(' ')
  const operands = OPERANDS[name] ?? []
  const notebook = option.long === '--mean-std' ? ['--recipe', 'notebook', '--weights', 'none'] : []

  if (option.required) {
    test('refuses each wrong value in one line that says what was expected', async () => {
      const wrong = wrongValues(name, option)
      expect(wrong.length).toBeGreaterThan(0)
      for (const value of wrong) {
        const end = await run([...words, ...operands, ...notebook, long, value])
        const code = long === '--model' ? 1 : 2
        expect(end.stderr).toContain(long === '--model' ? 'There is no model' : long) // as the command line has it, not the library
        expect([value, end]).toEqual([value, { code, stdout: '', stderr: expect.stringMatching(/^(?:torchgraft: (?:Expected .+ but received|There is no model)|error: option .+ argument .+ is invalid\.).*\n$/) }])
      }
    })

    test('refuses to be without a value', async () => {
      expect(await run([...words, ...operands, long])).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(/^error: option '.+' argument missing\n$/) })
    })
  } else {
    test('takes no value', async () => {
      expect(await run([...words, ...operands, `${long}=yes`])).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(/^error: unknown option .*\n/) })
    })
  }

  test('misspelt, is told which was meant', async () => {
    const end = await run([...words, ...operands, `${long}${long.at(-1)}`])
    expect(end).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(new RegExp(`^error: unknown option '${long}.'\\n\\(Did you mean .*--\\S+\\?\\)\\n$`)) })
  })
})

test.each(commands.filter(([, command]) => !command.registeredArguments.some(({ variadic }) => variadic)))('torchgraft %s refuses one argument too many', async (name, command) => {
  const full = command.registeredArguments.map(() => 'x')
  const end = await run([...name.split(' '), ...full, 'more', ...(name === 'export' ? ['--format', 'pth'] : [])])
  expect(end).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(/^error: too many arguments/) })
})

test.each(commands.filter(([, command]) => command.registeredArguments.some(({ required }) => required)))('torchgraft %s misses what it must be given, by name', async (name) => {
  expect(await run([...name.split(' '), ...(name === 'export' ? ['--format', 'pth'] : [])])).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(/^error: missing required argument '\w+'\n$/) })
})
