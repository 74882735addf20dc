#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { nodeProblem } from './setup/node-version.mjs'

const main = new URL('../dist/cli/main.js', import.meta.url)
const problem = nodeProblem(process.versions.node) ?? (existsSync(main) ? undefined : 'torchgraft has not been built here. Run "npm run setup" first.')
if (problem === undefined) {
  const [, , command = '', ...words] = process.argv
  if (['predict', 'evaluate'].includes(command) && words.length >= 2 && !words.includes('--help')) {
    // Opening libtorch takes longer than anything else before the first image: it goes on beside the rest.
    const load = new URL('../dist/addon/load.js', import.meta.url).href
    const { preloadLibtorch } = /** @type {{ preloadLibtorch(): Promise<void> }} */ (await import(load))
    void preloadLibtorch()
  }
  const cli = /** @type {{ main(argv: readonly string[]): Promise<number> }} */ (await import(main.href))
  process.exitCode = await cli.main(process.argv.slice(2))
} else {
  console.error(problem)
  process.exitCode = 1
}
