import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './run-command.mjs'
import { hashInputs } from '../common/hashes.mjs'
import { isUpToDate, writeStamp } from './stamp.mjs'

/** @typedef {import('./step.mjs').Step} Step */

/** TypeScript to JavaScript, into dist/. @type {Step} */
export const typescript = async ({ root, progress }) => {
  const hash = hashInputs(root, { files: ['src', 'tsconfig.json', 'package-lock.json'] })
  const stamp = join(root, 'dist', '.stamp')
  if (isUpToDate(stamp, hash)) return
  await progress('Compiling TypeScript', async () => {
    rmSync(join(root, 'dist'), { recursive: true, force: true }) // nothing of a file that is gone may stay
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const options = { cwd: root, log: join(root, '.torchgraft', 'typescript.log') }
    await runCommand(process.execPath, [tsc, '--project', join(root, 'tsconfig.json')], options)
  })
  writeStamp(stamp, hash)
}
