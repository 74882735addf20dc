// Set-up's own steps, but for those that need the network: the node modules and libtorch are there.
//   node build-child.mjs
// In a process of its own, so that it can be ended with all that it has started.
import { fileURLToPath } from 'node:url'
import { addon } from '../../setup/addon.mjs'
import { decoder } from '../../setup/decoder.mjs'
import { SetupError } from '../../setup/errors.mjs'
import { makeProgress } from '../../setup/progress.mjs'
import { typescript } from '../../setup/typescript.mjs'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const progress = makeProgress({ write: (text) => process.stdout.write(text), isTTY: false })
try {
  for (const step of [decoder, addon, typescript]) await step({ root, env: process.env, progress })
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.log(error.message)
  process.exitCode = 1
}
