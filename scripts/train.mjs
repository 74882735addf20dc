// `npm run train`: set-up and training in one process, so that signals reach training.
import { trySetUp } from './setup.mjs'

if (await trySetUp()) {
  const { main } = /** @type {{ main(argv: readonly string[]): Promise<number> }} */ (await import(new URL('../dist/cli/main.js', import.meta.url).href))
  process.exitCode = await main(['train', ...process.argv.slice(2)])
}
