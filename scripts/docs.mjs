// `npm run docs` writes docs/api.md from the JSDoc of the public names.
// `npm run check:docs` (--check) fails where that file is not what the source says.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGE = join(ROOT, 'docs', 'api.md')
const TITLE = '# API'
const INTRODUCTION = `Made from the comments in the source by \`npm run docs\`. A first program: [README](../README.md).
The events of a run: [events.md](events.md). Error codes: [errors.md](errors.md).`

/** The page as the source would have it. */
async function makePage() {
  const folder = await mkdtemp(join(tmpdir(), 'torchgraft-docs-'))
  try {
    const typedoc = join(ROOT, 'node_modules', 'typedoc', 'bin', 'typedoc')
    await promisify(execFile)(process.execPath, [typedoc, '--out', folder, '--logLevel', 'Error'], { cwd: ROOT })
    const page = await readFile(join(folder, 'README.md'), 'utf8')
    const { index, anchors } = headings(page)
    return `${TITLE}\n\n${INTRODUCTION}\n\n${index}\n\n${link(page.slice(page.indexOf('\n') + 1).trim(), anchors)}\n`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** An index of the names, kind by kind, and the anchor that GitHub gives to each. */
function headings(/** @type {string} */ page) {
  const lines = []
  /** @type {Map<string, number>} */
  const seen = new Map()
  /** @type {Map<string, string>} */
  const anchors = new Map()
  for (const [, level, title = ''] of page.matchAll(/^(#+) (.+)$/gm)) {
    const name = title.toLowerCase().replaceAll(/[^\w -]/g, '').replaceAll(' ', '-')
    const before = seen.get(name) ?? 0 // of equal headings all but the first are numbered
    seen.set(name, before + 1)
    if (level === '##') lines.push(`\n**${title}:**`)
    if (level !== '###') continue
    const anchor = before > 0 ? `${name}-${before}` : name
    anchors.set(title.replace('()', ''), anchor)
    lines.push(`[${title}](#${anchor})`)
  }
  return { index: lines.join('\n').trim(), anchors }
}

/** Links to a name lead to its heading, also where another differs from it in case alone. */
function link(/** @type {string} */ page, /** @type {ReadonlyMap<string, string>} */ anchors) {
  return page.replaceAll(/\[(`?)(\w+)\1\]\(#([\w-]+)\)/g, (whole, _, name, anchor) => whole.replace(`(#${anchor})`, `(#${anchors.get(name) ?? anchor})`))
}

try {
  const page = await makePage()
  if (!process.argv.includes('--check')) await writeFile(PAGE, page)
  else {
    const there = await readFile(PAGE, 'utf8').catch(() => '')
    if (there !== page) throw new Error('docs/api.md is not what the source says: run "npm run docs"')
  }
} catch (error) {
  const { message, stdout = '', stderr = '' } = /** @type {Error & { stdout?: string, stderr?: string }} */ (error)
  console.error(`${stdout}${stderr}` || message) // typedoc's own words, where it found an error in the source
  process.exitCode = 1
}
