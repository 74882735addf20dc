import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { ROOT, runNode } from '../helpers/processes/child.js'
import { makeImages } from '../helpers/images/image-folder.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

/** Compiles TypeScript into a file within the package, from where its own name leads to the library. */
async function compile(name: string, source: string): Promise<string> {
  const folder = join(ROOT, '.torchgraft', 'examples')
  await mkdir(folder, { recursive: true })
  const { outputText } = ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
  const file = join(folder, `${name}.mjs`)
  await writeFile(file, outputText)
  return file
}

const example = async (name: string): Promise<string> => compile(name, await readFile(join(ROOT, 'examples', `${name}.ts`), 'utf8'))

/** The code blocks of the README in one language. */
async function blocks(language: string): Promise<string[]> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code]) => code ?? '')
}

test('examples/train.ts trains a folder and predicts', async () => {
  await using folder = await temporaryFolder()
  await makeImages(join(folder.path, 'data'), 14)
  const image = join(folder.path, 'data/red/0.png')
  const end = await runNode([await example('train'), join(folder.path, 'data'), join(folder.path, 'run'), image])
  expect(end).toMatchObject({ code: 0, stderr: '' })
  expect(end.stdout).toMatch(/^epoch 1: top-1 [\d.]+, loss [\d.]+\n(epoch \d: .*\n){3}best is epoch \d\n/)
  expect(end.stdout).toMatch(new RegExp(`${image} \\w+ [01]\\.\\d\\d, \\w+ [01]\\.\\d\\d\n$`))
})

test('examples/own-loop.ts learns', async () => {
  await using folder = await temporaryFolder()
  await makeImages(folder.path, 40)
  const end = await runNode([await example('own-loop'), folder.path, '3', '32'])
  expect(end).toMatchObject({ code: 0, stderr: '' })
  const losses = [...end.stdout.matchAll(/training loss ([\d.]+)/g)].map(([, loss]) => Number(loss))
  expect(losses).toHaveLength(3)
  expect(losses[2]).toBeLessThan(losses[0]!)
})

test('the README’s first snippet is JavaScript too, and runs uncompiled', async () => {
  const [first = ''] = await blocks('ts')
  await using folder = await temporaryFolder()
  await makeImages(join(folder.path, 'flowers'), 14)
  const file = join(ROOT, '.torchgraft', 'examples', 'readme-first.mjs')
  await mkdir(join(ROOT, '.torchgraft', 'examples'), { recursive: true })
  await writeFile(file, first)
  const end = await runNode([file], { cwd: folder.path })
  expect(end).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^top-1 [\d.]+ at epoch \d\n/) as string })
})

test('the README’s TypeScript runs as it stands', async () => {
  const code = await blocks('ts')
  expect(code.length).toBeGreaterThanOrEqual(2)
  await using folder = await temporaryFolder()
  await makeImages(join(folder.path, 'flowers'), 14)
  for (const [i, block] of code.entries()) {
    const end = await runNode([await compile(`readme-${i}`, block)], { cwd: folder.path })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).not.toBe('')
  }
})

test('every command of the README is one that there is, with options that there are', async () => {
  const help = new Map<string, string>()
  const lines = (await blocks('sh')).join('\n').split('\n').flatMap((line) => /(?:npx torchgraft|npm run train --) ?(.*)/.exec(line) ?? [])
  const commands = lines.filter((_, i) => i % 2 === 0)
  expect(commands.length).toBeGreaterThan(4)
  for (const line of commands) {
    const command = line.startsWith('npm run train') ? 'train' : (/torchgraft (\w+)/.exec(line)?.[1] ?? '')
    if (!help.has(command)) help.set(command, (await runNode(['scripts/torchgraft.mjs', command, '--help'])).stdout)
    for (const [option] of line.matchAll(/(?<= )--[a-z-]+/g)) expect(help.get(command)).toContain(option)
    expect(help.get(command)).toContain(`Usage: torchgraft ${command}`)
  }
})
