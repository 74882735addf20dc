import { readdir, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import ts from 'typescript'
import { codeBlocks } from '../helpers/documents.js'
import { ROOT, runCli, runNode } from '../helpers/processes/child.js'
import { makeImages } from '../helpers/images/image-folder.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

/** Within the package, from where its own name leads to the library. */
const PLACE = join(ROOT, '.torchgraft', 'examples')
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc')

async function place(name: string, source: string): Promise<string> {
  await mkdir(PLACE, { recursive: true })
  const file = join(PLACE, name)
  await writeFile(file, source)
  return file
}

async function example(name: string): Promise<string> {
  const source = await readFile(join(ROOT, 'examples', `${name}.ts`), 'utf8')
  const { outputText } = ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
  return place(`${name}.mjs`, outputText)
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

test('examples/mistakes.mjs lists what evaluate counts as wrong', async () => {
  await using folder = await temporaryFolder()
  await makeImages(join(folder.path, 'data'), 14)
  const run = join(folder.path, 'run')
  const options = ['--weights', 'none', '--epochs', '1', '--size', '32', '--batch-size', '8', '--threads', '1', '--precision', 'fp32']
  const trained = await runCli(['train', join(folder.path, 'data'), '--output', run, ...options, '--json'])
  const { best } = JSON.parse(trained.stdout) as { readonly best: { readonly top1: number } }
  const file = join(PLACE, 'mistakes.mjs')
  await copyFile(join(ROOT, 'examples/mistakes.mjs'), file)
  const { code, stdout } = await runNode([file, run])
  const wrong = Math.round((1 - best.top1) * 6)
  expect(code).toBe(0)
  expect(stdout.match(/ is \w+, taken for \w+ \([\d.]+ %\)\n/g) ?? []).toHaveLength(wrong)
  expect(stdout).toMatch(new RegExp(`^${wrong} of 6 are wrong$`, 'm'))
}, 120_000)

describe('the code in the documents', () => {
  const README = codeBlocks('README.md', 'ts')
  const ERRORS = codeBlocks('docs/errors.md', 'ts')
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  const at = (...parts: string[]): string => join(folder.path, ...parts)

  beforeAll(async () => {
    folder = await temporaryFolder()
    await makeImages(at('flowers'), 14)
  })
  afterAll(() => folder[Symbol.asyncDispose]())

  test('runs as it stands, as JavaScript', async () => {
    for (const [i, code] of [README[0]!, ...ERRORS].entries()) {
      const end = await runNode([await place(`document-${i}.mjs`, code)], { cwd: folder.path })
      expect(end).toMatchObject({ code: 0, stderr: '' })
      expect(end.stdout).not.toBe('')
    }
  }, 120_000)

  test('serves predictions over HTTP, after the program before it has trained a model', async () => {
    const [, server = ''] = README
    expect(await readdir(at('runs/flowers'))).toContain('best.safetensors')
    const image = await readFile(at('flowers/red/0.png'))
    const port = 20_000 + (process.pid % 20_000)
    const answers: Promise<{ readonly status: number; readonly text: string }>[] = []
    const ask = async (body: BodyInit): Promise<{ status: number; text: string }> => {
      const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body })
      return { status: response.status, text: await response.text() }
    }
    const end = await runNode([await place('server.mjs', server)], {
      cwd: folder.path,
      env: { ...process.env, PORT: String(port) },
      onOutput: (stdout, _, kill) => {
        if (!stdout.includes('listening') || answers.length > 0) return
        answers.push(ask(new Uint8Array(image)), ask('no image'))
        void Promise.allSettled(answers).then(() => kill('SIGKILL'))
      },
    })
    expect(end).toMatchObject({ signal: 'SIGKILL', stderr: '' })
    const [good, bad] = await Promise.all(answers)
    expect(good?.status).toBe(200)
    expect(JSON.parse(good?.text ?? '')).toEqual(Array.from({ length: 3 }, () => ({ label: expect.any(String), probability: expect.any(Number) })))
    expect(bad).toMatchObject({ status: 400, text: expect.stringContaining('cannot be read') })
  }, 120_000)

  test('compiles in a project that tsc --init makes, with Node’s types and no others', async () => {
    const project = join(PLACE, 'init')
    await rm(project, { recursive: true, force: true })
    await mkdir(project, { recursive: true })
    expect(await runNode([TSC, '--init'], { cwd: project })).toMatchObject({ code: 0 })
    for (const [i, code] of [...README, ...ERRORS].entries()) await writeFile(join(project, `document-${i}.ts`), code)
    const options = ['--noEmit', '--types', 'node', '--lib', 'esnext', '--skipLibCheck', 'false']
    expect(await runNode([TSC, ...options], { cwd: project })).toMatchObject({ code: 0, stdout: '' })
  }, 180_000)
})
