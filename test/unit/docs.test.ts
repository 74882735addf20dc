import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { documents, firstColumn, read, section } from '../helpers/documents.js'
import { ROOT } from '../helpers/processes/child.js'

/** Longer lines are read as badly in an editor as in a diff; tables, images and examples of output cannot be broken. */
const MOST_COLUMNS = 140

/** The anchors of a document's headings, as GitHub makes them, and those that stand in it. */
function anchorsOf(file: string): Set<string> {
  const text = read(file).replaceAll(/^```[\s\S]*?^```/gm, '')
  const anchors = new Set([...text.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id))
  const counts = new Map<string, number>()
  for (const [, title = ''] of text.matchAll(/^#+ (.+)$/gm)) {
    const name = title.toLowerCase().replaceAll(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-')
    const before = counts.get(name) ?? 0
    counts.set(name, before + 1)
    anchors.add(before > 0 ? `${name}-${before}` : name)
  }
  return anchors
}

test.each(documents())('every link of %s leads somewhere', (file) => {
  const broken = [...read(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => {
    if (/^https?:/.test(link)) return false
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? file : join(dirname(file), path)
    if (!existsSync(join(ROOT, target))) return true
    return anchor !== undefined && !anchorsOf(target).has(anchor)
  })
  expect(broken).toEqual([])
})

test.each(documents().filter((file) => file !== 'docs/api.md'))('no line of prose in %s is too long', (file) => {
  const prose = read(file).replaceAll(/^```[\s\S]*?^```/gm, '').split('\n').filter((line) => !/^[|!]/.test(line))
  expect(prose.filter((line) => line.length > MOST_COLUMNS)).toEqual([])
})

test('the README is short enough to be read to its end', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(150)
})

test('docs/README.md names every page beside it', () => {
  const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name !== 'README.md')
  expect(pages.filter((name) => !read('docs/README.md').includes(`](${name})`))).toEqual([])
})

test('docs/errors.md tells of every error code, in their order', () => {
  const [, union = ''] = /type TorchgraftErrorCode =\n((?: {2}\| '\w+'\n)+)/.exec(read('src/errors.ts')) ?? []
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code)
  expect(codes.length).toBeGreaterThan(20)
  expect(firstColumn(read('docs/errors.md'))).toEqual(codes)
})

test('docs/events.md tells of every event with its fields', () => {
  const file = join(ROOT, 'src/runs/events.ts')
  const program = ts.createProgram([file], { strict: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, types: [] })
  const checker = program.getTypeChecker()
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!)
  const union = checker.getDeclaredTypeOfSymbol(exported.find(({ name }) => name === 'TrainingEvent')!) as ts.UnionType
  const events = union.types.map((event) => {
    const type = checker.typeToString(checker.getTypeOfSymbol(event.getProperty('type')!)).slice(1, -1)
    return [type, event.getProperties().map(({ name }) => name).filter((name) => name !== 'type').sort()]
  })
  const titles = [...read('docs/events.md').matchAll(/^## (.+)$/gm)].map(([, title]) => title)
  expect(titles.sort()).toEqual(events.map(([type]) => type).sort())
  expect(Object.fromEntries(titles.map((title = '') => [title, firstColumn(section('docs/events.md', title)).sort()]))).toEqual(Object.fromEntries(events))
})

test('ARCHITECTURE.md has a line for each folder, and names files that there are', () => {
  const text = read('ARCHITECTURE.md')
  const folders = ['src', 'native', 'native/torch'].flatMap((above) =>
    readdirSync(join(ROOT, above), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => `${above}/${name}/`))
  expect(folders.filter((folder) => !text.includes(`\`${folder}\``))).toEqual([])
})

test.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('the paths in %s are there', (file) => {
  const paths = [...read(file).matchAll(/`((?:src|native|test|scripts|bench|web|samples|weights|examples|docs)\/[\w./-]*)`/g)].map(([, path = '']) => path)
  expect(paths.length).toBeGreaterThan(5)
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})
