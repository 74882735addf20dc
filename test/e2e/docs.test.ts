import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSafetensors } from '../../src/formats/safetensors.js'
import { codeBlocks, documents, firstColumn, read, section } from '../helpers/documents.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'
import { makeImages } from '../helpers/images/image-folder.js'
import { runCli } from '../helpers/processes/child.js'

const FORMATS = 'docs/formats.md'
const RUN = 'runs/flowers'
const QUICK = ['--epochs', '1', '--size', '64', '--batch-size', '8', '--threads', '1']

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let trained: unknown

beforeAll(async () => {
  folder = await temporaryFolder()
  await makeImages(join(folder.path, 'flowers'), 8)
  await writeFile(join(folder.path, 'flowers/red/broken.png'), 'no image')
  trained = await json(['train', 'flowers', ...QUICK, '--json'])
}, 120_000)
afterAll(() => folder[Symbol.asyncDispose]())

async function json(args: readonly string[]): Promise<unknown> {
  return JSON.parse((await runCli(args, { cwd: folder.path })).stdout)
}

/** The first example under a heading, without its comments. */
function example(heading: string): unknown {
  const [, code = ''] = /```jsonc\n([\s\S]*?)```/.exec(section(FORMATS, heading)) ?? []
  return JSON.parse(code.replaceAll(/ \/\/ .*$/gm, ''))
}

/** Where a value has other fields or types than its example. Null and empty lists stand for anything; so does a field named "…". */
function differences(shown: unknown, real: unknown, where = ''): string[] {
  if (shown === null || real === null) return []
  if (Array.isArray(shown) && Array.isArray(real)) return shown.length > 0 && real.length > 0 ? differences(shown[0], real[0], `${where}[]`) : []
  if (typeof shown !== 'object' || typeof real !== 'object') return typeof shown === typeof real ? [] : [`${where} is a ${typeof real}`]
  if ('…' in shown) return []
  const names = new Set([...Object.keys(shown), ...Object.keys(real)])
  return [...names].flatMap((name) => {
    const at = `${where}.${name}`
    if (!(name in shown)) return [`${at} is not in the example`]
    return name in real ? differences((shown as Record<string, unknown>)[name], (real as Record<string, unknown>)[name], at) : [`${at} is in the example alone`]
  })
}

const inRun = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder.path, RUN, name), 'utf8'))
const metadataOf = async (name: string): Promise<Record<string, unknown>> => {
  const { metadata } = await readSafetensors(join(folder.path, RUN, name))
  expect(Object.keys(metadata).sort()).toEqual(['checksum', 'format', 'torchgraft'])
  return JSON.parse(metadata['torchgraft'] ?? '') as Record<string, unknown>
}

describe('docs/formats.md shows what is written', () => {
  test.each(['config.json', 'split.json'])('in %s', async (name) => {
    expect(differences(example(name), await inRun(name))).toEqual([])
  })

  test('in a model file', async () => {
    expect(differences(example('Model file'), await metadataOf('best.safetensors'))).toEqual([])
  })

  test('in last.safetensors', async () => {
    const { metrics: _, ...model } = example('Model file') as Record<string, unknown>
    expect(differences({ ...model, ...(example('last.safetensors') as object) }, await metadataOf('last.safetensors'))).toEqual([])
  })

  test('by train --json', () => {
    expect(differences(example('train'), trained)).toEqual([])
  })

  test.each([
    ['evaluate', [RUN, 'flowers']],
    ['predict', [RUN, 'flowers/red/0.png', 'flowers/red/broken.png']],
    ['stats', ['flowers']],
    ['inspect', [RUN]],
    ['doctor', []],
  ])('by %s --json', async (command, args) => {
    expect(differences(example(command), await json([command, ...args, '--json']))).toEqual([])
  })
})

test('docs/train.md has every option of train, and no others', async () => {
  const { stdout } = await runCli(['train', '--help'])
  const options = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option)
  expect(options.length).toBeGreaterThan(20)
  expect(firstColumn(section('docs/train.md', 'Options of `train`')).sort()).toEqual(options.sort())
})

test('every command in the documents is one that there is, with options that there are', async () => {
  const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> }
  const help = new Map<string, string>()
  const problems: string[] = []
  let commands = 0
  for (const file of documents()) {
    for (const line of codeBlocks(file, 'sh').join('\n').split('\n')) {
      const [, script = ''] = /npm run ([\w:]+)/.exec(line) ?? []
      if (script !== '' && !(script in scripts)) problems.push(`${file}: npm run ${script}`)
      const [, name = script, words = ''] = /npx torchgraft (\w+)(.*)/.exec(line) ?? /npm run (train) --(.*)/.exec(line) ?? []
      if (!/npx torchgraft|npm run train/.test(line)) continue
      commands++
      if (!help.has(name)) help.set(name, (await runCli([name, '--help'])).stdout)
      const told = help.get(name) ?? ''
      if (!told.includes(`Usage: torchgraft ${name}`)) problems.push(`${file}: torchgraft ${name}`)
      for (const [option] of words.matchAll(/(?<= )--[a-z0-9-]+/g)) if (!told.includes(`${option} `) && !told.includes(`${option}\n`)) problems.push(`${file}: ${name} ${option}`)
    }
  }
  expect(problems).toEqual([])
  expect(commands).toBeGreaterThan(20)
}, 120_000)
