#!/usr/bin/env node
import { existsSync } from 'node:fs'

const main = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(main)) {
  const cli = /** @type {{ main(argv: readonly string[]): Promise<number> }} */ (await import(main.href))
  process.exitCode = await cli.main(process.argv.slice(2))
} else {
  console.error('torchgraft has not been built here. Run "npm run setup" first.')
  process.exitCode = 1
}
