import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findCudaHeaders } from '../common/cuda-headers.mjs'
import { locateLibtorch } from '../libtorch/locate.mjs'
import { addonFiles, addonHash, buildFolder, stateFolder } from '../common/paths.mjs'
import { buildByCMake } from './cmake.mjs'
import { SetupError } from './errors.mjs'
import { isUpToDate, removeStamp, writeStamp } from './stamp.mjs'
import { checkTools } from './tools.mjs'

/** @typedef {import('./step.mjs').Step} Step */

/** The addon, for the libtorch that is found. @type {Step} */
export const addon = async ({ root, env, progress }) => {
  const { found } = locateLibtorch({ root, env })
  if (!found) throw new SetupError('There is no libtorch to build the addon for.')
  const hash = addonHash(root, found, env)
  const build = buildFolder(root, env, found)
  const { loader, images, main, built: stamp } = addonFiles(build)
  if (isUpToDate(stamp, hash) && existsSync(loader) && existsSync(images) && existsSync(main)) return
  checkTools(env)
  await progress(`Building the addon for libtorch ${found.version}`, async (report) => {
    removeStamp(stamp) // what is there will not be whole for a while
    const onOutput = (/** @type {string} */ text) => {
      const step = /\[\s*(\d+\/\d+|\d+%)\]/.exec(text)?.[1]
      if (step) report(step)
    }
    const defines = {
      LIBTORCH: found.folder,
      CUDA_HEADERS: findCudaHeaders(found, env)?.folders.join(';') ?? '',
      WERROR: env['TORCHGRAFT_WERROR'] === '1' ? 'ON' : 'OFF',
    }
    const log = join(stateFolder(root, env), 'addon.log')
    await buildByCMake({ root, build, env, defines, log, failed: 'The addon could not be built', onOutput })
  })
  writeStamp(stamp, `${JSON.stringify({ libtorch: found.version, inputs: hash })}\n`)
}
