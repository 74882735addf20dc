import { existsSync } from 'node:fs'
import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { addonFiles, buildFolder, isInstalled } from '../../scripts/shared/paths.mjs'
import { TorchgraftError } from '../errors.js'
import { packageRoot } from '../package.js'

/**
 * Puts in place what an installed package needs to compute: at its first use it fetches libtorch and builds the addon,
 * into the user's cache, telling of it on stderr. A clone is set up by its own command.
 *
 * @throws ERR_ADDON, saying what to do
 */
export async function setUpAtFirstUse(): Promise<void> {
  if (!isInstalled(packageRoot()) || isReady()) return
  await runSetUp()
}

/** @throws ERR_ADDON, saying what to do */
export async function runSetUp(): Promise<void> {
  const root = packageRoot()
  const { setUp, SetupError } = await import('../../scripts/setup.mjs')
  try {
    await setUp({ root })
  } catch (cause) {
    if (!(cause instanceof SetupError)) throw cause
    throw new TorchgraftError('ERR_ADDON', `torchgraft could not be set up. ${cause.message}`, { cause })
  }
}

function isReady(): boolean {
  const { found } = locateLibtorch({ root: packageRoot() })
  return found !== undefined && existsSync(addonFiles(buildFolder(packageRoot(), process.env, found)).built)
}
