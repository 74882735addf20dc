import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './processes/child.js'

/** The Markdown files that people read, by their paths in the repository; those that are made or cited are not among them. */
export function documents(): string[] {
  const docs = readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)
  const others = ['samples', 'weights', 'bench', 'test/parity', 'native/torch/kernels'].map((folder) => `${folder}/README.md`).filter((file) => existsSync(join(ROOT, file)))
  return [...readdirSync(ROOT), ...docs, ...others].filter((file) => file.endsWith('.md'))
}

export function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

/** The code blocks of a document in one language. */
export function codeBlocks(file: string, language: string): string[] {
  return [...read(file).matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code]) => code ?? '')
}

/** What stands under a heading, up to the next heading. */
export function section(file: string, heading: string): string {
  const [, text] = new RegExp(`^#+ ${heading}$\\n([\\s\\S]*?)(?=^#|$(?![\\s\\S]))`, 'm').exec(read(file)) ?? []
  if (text === undefined) throw new Error(`${file} has no heading ${heading}`)
  return text
}

/** The words in backticks in the first column of the tables in a text. */
export function firstColumn(text: string): string[] {
  return [...text.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word))
}
