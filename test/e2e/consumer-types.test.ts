import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from '../helpers/processes/child.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

/** What the compiler says of a file that uses the package, in a project with nothing else than TypeScript and @types/node. */
async function compile(source: string, file: string, options: ts.CompilerOptions): Promise<string[]> {
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'node_modules/@types'), { recursive: true })
  await symlink(ROOT, join(folder.path, 'node_modules/torchgraft'))
  await symlink(join(ROOT, 'node_modules/@types/node'), join(folder.path, 'node_modules/@types/node'))
  await writeFile(join(folder.path, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder.path, file), source)
  const strict: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext, strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true, noEmit: true, allowJs: true, checkJs: true,
  }
  const host = ts.createCompilerHost({})
  host.getCurrentDirectory = () => folder.path
  const program = ts.createProgram([join(folder.path, file)], { ...strict, ...options }, host)
  return ts.getPreEmitDiagnostics(program).map(({ file: at, messageText }) => `${at?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
}

/** The README's first snippet. */
async function snippet(): Promise<string> {
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(await readFile(join(ROOT, 'README.md'), 'utf8')) ?? []
  expect(code).toContain('train(')
  return code
}

/** The first is what `tsc --init` of TypeScript 5.9 writes; the others check the package's own declarations as well. */
const SETTINGS: readonly (readonly [string, string, ts.CompilerOptions])[] = [
  ['as tsc --init has it', 'a.ts', { target: ts.ScriptTarget.ESNext, types: [], skipLibCheck: true }],
  ['for Node 20, with @types/node alone', 'a.ts', { target: ts.ScriptTarget.ES2022, lib: ['lib.es2022.d.ts'], types: ['node'] }],
  ['as JavaScript that is checked', 'a.mjs', { target: ts.ScriptTarget.ES2022, types: ['node'] }],
]

test.each(SETTINGS)('the README’s first snippet compiles %s', async (_, file, options) => {
  expect(await compile(await snippet(), file, options)).toEqual([])
})

test('a wrong option is no option of the types', async () => {
  const [, file, options] = SETTINGS[0]!
  const found = await compile("import { train } from 'torchgraft'\nawait train({ data: 'x', epoch: 3 })\n", file, options)
  expect(found).toEqual([expect.stringContaining("'epoch' does not exist in type 'TrainOptions'")])
})
