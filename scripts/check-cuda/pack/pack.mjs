import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { decoder } from '../../setup/decoder.mjs'
import { SetupError } from '../../setup/errors.mjs'
import { makeProgress } from '../../setup/progress.mjs'
import { typescript } from '../../setup/typescript.mjs'
import { closure } from './closure.mjs'

/** What test/cuda needs besides the dependencies. */
const JEST = ['jest', '@swc/jest', '@swc/core']
/** Files that no check reads. */
const LEFT_OUT = /^(?:samples\/campus|bench\/results)\//

/**
 * Makes the files that a machine without a network needs besides Python's torch, g++, CMake, tar and xz: this Node, the node
 * modules, and torchgraft's sources with its JavaScript. `sh unpack-and-run.sh` unpacks them there and runs the check.
 *
 * @param {string} root @param {string} folder @param {(line: string) => void} tell
 */
export async function pack(root, folder, tell) {
  const progress = makeProgress(process.stderr)
  for (const step of [decoder, typescript]) await step({ root, env: process.env, progress })
  const out = resolve(folder)
  mkdirSync(out, { recursive: true })
  const modules = closure(root, [...Object.keys(readPackage(root).dependencies), ...JEST])
  const sources = run('git', ['ls-files', '-z'], root).split('\0').filter((file) => file !== '' && !LEFT_OUT.test(file))
  await progress('Packing', async (say) => {
    say('node')
    const temporary = mkdtempSync(join(tmpdir(), 'torchgraft-pack-'))
    try {
      copyFileSync(process.execPath, join(temporary, 'node'))
      chmodSync(join(temporary, 'node'), 0o755)
      spawnSync('strip', [join(temporary, 'node')]) // a third smaller, where there is a strip
      archive(join(out, 'node.tar.xz'), temporary, ['node'])
    } finally {
      rmSync(temporary, { recursive: true, force: true })
    }
    say('node modules')
    archive(join(out, 'modules.tar.xz'), root, modules, ['*.map', '*.d.ts', '*.d.mts', '*.d.cts', '*.md', '@types'])
    say('sources')
    archive(join(out, 'sources.tar.xz'), root, [...sources, 'dist', 'prebuilt'])
  })
  cpSync(new URL('unpack-and-run.sh', import.meta.url), join(out, 'unpack-and-run.sh'))
  const files = ['node.tar.xz', 'modules.tar.xz', 'sources.tar.xz', 'unpack-and-run.sh']
  for (const name of files) tell(`${String(Math.ceil(statSync(join(out, name)).size / 1024)).padStart(7)} KiB  ${join(out, name)}`)
  tell(`On the machine: sh unpack-and-run.sh [options of check:cuda]`)
}

/**
 * @param {string} file @param {string} folder
 * @param {readonly string[]} names files and folders in it
 * @param {readonly string[]} [without] patterns of names
 */
function archive(file, folder, names, without = []) {
  const list = `${file}.list`
  writeFileSync(list, names.join('\n'))
  try {
    const excluded = without.map((pattern) => `--exclude=${pattern}`)
    const args = ['--create', '--xz', '--file', file, '--directory', folder, '--owner=0', '--group=0', ...excluded]
    const env = { ...process.env, XZ_OPT: '-9e -T0' }
    const { status, stderr, error } = spawnSync('tar', [...args, '--files-from', list], { encoding: 'utf8', env })
    if (status !== 0) throw new SetupError(`${file} could not be made: ${error?.message ?? stderr.trim()}`)
  } finally {
    rmSync(list, { force: true })
  }
}

/** @param {string} command @param {readonly string[]} args @param {string} cwd */
function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new SetupError(`${command} ${args[0]} failed: ${error?.message ?? stderr.trim()}`)
  return stdout
}

/** @param {string} root @returns {{ readonly dependencies: Readonly<Record<string, string>> }} */
function readPackage(root) {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}
