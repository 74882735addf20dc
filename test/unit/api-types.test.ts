import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'
import { ROOT } from '../helpers/processes/child.js'
import { unnamedTypes } from '../helpers/unnamed-types.js'

test('every type in the signatures of the API can be named by its users', () => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as { readonly config: unknown }
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT)
  expect(unnamedTypes(join(ROOT, 'src/index.ts'), options)).toEqual([])
})

test('a type that cannot be named is found, wherever it stands in a signature', async () => {
  await using folder = await temporaryFolder()
  const types = ['InOptions', 'InResult', 'InBase', 'InAlias', 'InMember', 'Inferred', 'InBound'].map((name) => `export interface ${name} { readonly a: 1 }\n`)
  await writeFile(join(folder.path, 'types.ts'), types.join(''))
  await writeFile(join(folder.path, 'made.ts'), "import type { Inferred } from './types.js'\nexport const make = (): Inferred => ({ a: 1 })\n")
  await writeFile(join(folder.path, 'api.ts'), `
import { make } from './made.js'
import type { InAlias, InBase, InBound, InMember, InOptions, InResult } from './types.js'
export function call(options: { readonly deep?: readonly InOptions[] }): Promise<InResult> { return Promise.resolve(options.deep![0]!) }
export interface Named extends InBase { readonly member: InMember | null }
export type Alias = { readonly [key: string]: InAlias }
export class Thing<T extends InBound> { readonly inferred = make(); readonly t?: T; #hidden?: Hidden; constructor() { void this.#hidden } }
interface Hidden { readonly b: 2 }
`)
  await writeFile(join(folder.path, 'index.ts'), "export { call, type Alias, type Named, Thing } from './api.js'\n")
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, strict: true, types: [], outDir: join(folder.path, 'out'), rootDir: folder.path }
  expect(unnamedTypes(join(folder.path, 'index.ts'), options)).toEqual([
    'Alias: InAlias', 'Named: InBase', 'Named: InMember', 'Thing: InBound', 'Thing: Inferred', 'call: InOptions', 'call: InResult',
  ])
})
