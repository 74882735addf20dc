// `npm run train`: set-up and training in one process, so that signals reach training.
import { trySetUp } from './setup.mjs'

if (await trySetUp()) {
  const cli = new URL('../dist/cli/main.js', import.meta.url).href
  const { main } = /** @type {{ main(argv: readonly string[]): Promise<number> }} */ (await import(cli))
  process.exitCode = await main(['train', ...process.argv.slice(2)])
}
