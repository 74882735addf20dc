import { join } from 'node:path'
import { runCommand } from './run-command.mjs'
import { hashInputs } from '../common/hashes.mjs'
import { isUpToDate, writeStamp } from './stamp.mjs'

/** @typedef {import('./step.mjs').Step} Step */

/** Packages from the lock file. The stamp lies among them, and goes when they go. @type {Step} */
export const nodeModules = async ({ root, progress }) => {
  const hash = hashInputs(root, { files: ['package-lock.json'], words: [process.platform, process.arch, process.versions.modules] })
  const stamp = join(root, 'node_modules', '.torchgraft-stamp')
  if (isUpToDate(stamp, hash)) return
  await progress('Installing node modules', async () => {
    const failed = 'npm could not install the node modules'
    const advice = 'Check that the package registry can be reached (npm ping), and run it again.'
    await runCommand(...npm(['ci', '--no-audit', '--no-fund']), { cwd: root, log: join(root, '.torchgraft', 'npm.log'), failed, advice })
  })
  writeStamp(stamp, hash)
}

/** The npm that runs this script, or else the one on the path. @param {readonly string[]} args @returns {[string, readonly string[]]} */
function npm(args) {
  const own = process.env['npm_execpath']
  return own && /npm-cli\.c?js$/.test(own) ? [process.execPath, [own, ...args]] : ['npm', args]
}
