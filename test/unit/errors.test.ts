import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { messageOf } from '../../src/cli/option-names.js'
import { argumentError, messageFor, TorchgraftError } from '../../src/errors.js'
import { plural } from '../../src/text/plural.js'
import { systemReason } from '../../src/text/system-reason.js'
import { ROOT } from '../helpers/processes/child.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const sources = (folder: string, ending: RegExp): string[] => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((name) => ending.test(name)).map((name) => join(folder, name))

describe('options in messages', () => {
  const error = new TorchgraftError('ERR_RUN_EXISTS', (option) => `Continue it with ${option('resume', true)}, choose another ${option('output')}, or ${option('weights', null)}, ${option('freeze', 'trunk')}, ${option('followLinks', false)}`)
  const command = new Command().argument('[data]').option('--resume').option('--output <folder>').option('--weights <name>').addOption(new Option('--freeze <what>')).option('--follow-links').option('--no-follow-links').option('--save-every <n>').option('--mean-std <x>')

  test('are those of the library where it is called', () => {
    expect(error.message).toBe("Continue it with resume: true, choose another output, or weights: null, freeze: 'trunk', followLinks: false")
    expect(messageFor(error, (name) => `<${name}>`)).toBe('Continue it with <resume>, choose another <output>, or <weights>, <freeze>, <followLinks>')
  })

  test('are flags on the command line', () => {
    expect(messageOf(error, command)).toBe('Continue it with --resume, choose another --output, or --weights none, --freeze trunk, --no-follow-links')
  })

  test.each([['saveEveryMinutes', 0, '--save-every but received 0'], ['data', undefined, 'DATA but received nothing'], ['meanStd.std[0]', 0, '--mean-std (std[0]) but received 0'], ['sanitySteps', 1, 'sanitySteps but received 1']])('%s is named as the command has it', (name, value, expected) => {
    expect(messageOf(argumentError('another', name, value), command)).toBe(`Expected another for ${expected}`)
  })

  test('no message outside the command line names a flag, which the library’s users have not', () => {
    const files = sources('src', /\.ts$/).filter((file) => !/^src\/(?:cli\/|report\/statistics\.ts)/.test(file))
    const named = files.flatMap((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').filter((line) => !/^\s*(?:\*|\/\*|\/\/)/.test(line) && /(?<=[\s(`'"])--[a-z][a-z-]+/.test(line.replace(/\/\/ .*|"?(?:sips|heif-convert) [^"]*"?|'--eval'|torchgraft (?:train|evaluate) .*|esbuild --external.*/g, ''))).map((line) => `${file}: ${line.trim()}`))
    expect(named).toEqual([])
  })
})

test('what is received is told in one short line, whatever it is', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  const shown = (value: unknown): string => argumentError('x', 'y', value).message.replace('Expected x for y but received ', '')
  expect(shown(cycle)).toBe('[[[[…]]]]')
  expect(shown(Array.from({ length: 1000 }, (_, i) => i)).length).toBeLessThan(120)
  expect(shown('a'.repeat(1e6)).length).toBeLessThan(250)
  expect([shown(new Map()), shown(Object.create(null)), shown(new URL('https://a.b/')), shown(3n)]).toEqual(['a Map', 'an object', 'the URL "https://a.b/"', '3n'])
})

describe('a number of things', () => {
  test.each([[0, '0 files'], [1, '1 file'], [2, '2 files']])('%d', (count, expected) => expect(plural(count, 'file')).toBe(expected))
  test('of another plural', () => expect([plural(1, 'class', 'classes'), plural(3, 'class', 'classes')]).toEqual(['1 class', '3 classes']))

  test('no message has a number before a fixed plural', () => {
    const things = /\$\{(?:[^{}]|\{[^}]*\})*\} (?:files|images|images|classes|epochs|steps|tensors|bytes|threads|cores|parameters|groups|entries|names|folders|links|labels|losses) ?\b/
    const found = [...sources('src', /\.ts$/), ...sources('scripts', /(?<!^check-cuda\/.*)\.mjs$/), ...sources('web', /\.js$/)].flatMap((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').filter((line) => things.test(line)).map((line) => `${file}: ${line.trim()}`))
    expect(found.filter((line) => !ALWAYS_SEVERAL.some((part) => line.includes(part)))).toEqual([])
  })
})

/** Never one, or told from a whole they are a part of. */
const ALWAYS_SEVERAL = [
  'the ${count} files hold', 'All ${images.length} images in', '${one.length} labels', '${unreadable[1]} images', '${ending} images', "unclassed === 1 ? '1 image lies'",
  'far more than any model here has', 'its tensors together would be', 'it holds more than ${values} names and values', 'a text of ${end - begin} bytes',
  'if (left.length > 1)', '${SPLIT_FILE} names',
  'SAMPLES.epochs', '${extension} images', '.toLowerCase()} images', 'an integer of ${length} bytes', '} images/s', 'this.#inARow - 1} steps', "plural(left, 'file')", 'images to learn from and', '${received} of ${bytes} bytes', 'Looking at ${asked.size} images', '`${classes.length} classes`', '${archive.bytes']

test('the system’s reasons have no path, which is named already', async () => {
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'a'))
  await writeFile(join(folder.path, 'b'), '')
  const failing = [() => open(join(folder.path, 'none')), () => readFile(join(folder.path, 'a')), () => mkdir(join(folder.path, 'b/c')), () => mkdir(join(folder.path, 'a'))]
  for (const fail of failing) {
    const error = await fail().then(() => undefined, (reason: unknown) => reason as NodeJS.ErrnoException)
    expect(systemReason(error)).toMatch(new RegExp(`^${error?.code}: [a-z ,]+$`))
  }
  expect(systemReason(new Error('another'))).toBe('another')
})
