// Puts in place whatever is missing: node modules, libtorch, the addon, JavaScript. Node's built-in modules only.
import { fileURLToPath } from 'node:url'
import { dirname, join } from 'node:path'
import { isInstalled, stateFolder } from './common/paths.mjs'
import { printable, printableLines } from './common/printable.mjs'
import { prose } from './common/prose.mjs'
import { addon } from './setup/addon.mjs'
import { decoder } from './setup/decoder.mjs'
import { explainDiskError, SetupError } from './setup/errors.mjs'
import { libtorch } from './setup/libtorch.mjs'
import { waitForLock } from './setup/wait-for-lock.mjs'
import { nodeModules } from './setup/node-modules.mjs'
import { nodeProblem } from './setup/node-version.mjs'
import { makeProgress } from './setup/progress.mjs'
import { typescript } from './setup/typescript.mjs'

export { SetupError }

/** @typedef {import('./setup/step.mjs').Step} Step */
/** @typedef {{ write(text: string): unknown, readonly isTTY?: boolean, readonly columns?: number }} Stream */

// Not by `new URL('..', …)`, which bundlers take for a file to bring along.
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '/')

/**
 * Runs each step that is not up to date.
 *
 * @param {{ readonly root?: string, readonly env?: NodeJS.ProcessEnv, readonly stream?: Stream }} [options]
 */
export async function setUp({ root = ROOT, env = process.env, stream = process.stderr } = {}) {
  const problem = nodeProblem(process.versions.node)
  if (problem !== undefined) throw new SetupError(problem)
  try {
    const tell = (/** @type {string} */ line) => stream.write(`${prose(printable(line), stream)}\n`)
    const release = await waitForLock(join(stateFolder(root, env), 'setup.lock'), tell)
    try {
      const context = { root, env, progress: makeProgress(stream) }
      for (const step of stepsFor(root)) await step(context)
    } finally {
      await release()
    }
  } catch (error) {
    throw explainDiskError(error)
  }
}

/** A package comes with its neighbours, and with JavaScript. @param {string} root @returns {readonly Step[]} */
function stepsFor(root) {
  return isInstalled(root) ? [libtorch, addon] : [nodeModules, decoder, libtorch, addon, typescript]
}

/** Runs `setUp` for a command: false, with what to do told, where it failed. */
export async function trySetUp() {
  try {
    await setUp()
    return true
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    const [reason = '', ...log] = error.message.split('\n') // what a command said keeps its lines
    console.error([prose(`torchgraft could not be set up. ${printable(reason)}`, process.stderr), ...log.map(printableLines)].join('\n'))
    process.exitCode = 1
    return false
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) void trySetUp() // no top-level await: bundles of CommonJS cannot have it
