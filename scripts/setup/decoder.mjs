import { copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** @typedef {import('./step.mjs').Step} Step */

const LIBRARY = 'libturbojpeg.so.0'

/**
 * libjpeg-turbo, out of the package that has it prebuilt and into a folder that ships with torchgraft. As a dependency, that
 * package would bring a script that runs as it is installed, and pnpm lets an installation fail over that.
 *
 * @type {Step}
 */
export const decoder = async ({ root }) => {
  for (const system of ['linux-x64', 'linux-arm64']) {
    const from = join(root, 'node_modules', '@julusian', 'jpeg-turbo', 'prebuilds', `jpeg-turbo-${system}`, LIBRARY)
    const to = join(root, 'prebuilt', system, LIBRARY)
    if (!existsSync(from) || (existsSync(to) && statSync(to).size === statSync(from).size)) continue
    mkdirSync(dirname(to), { recursive: true })
    copyFileSync(from, `${to}.new`)
    renameSync(`${to}.new`, to)
  }
}
