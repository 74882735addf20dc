import { existsSync } from 'node:fs'
import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { addonFiles, buildFolder, isInstalled } from '../../scripts/common/paths.mjs'
import { TorchgraftError } from '../errors.js'
import { packageRoot } from '../package.js'

/**
 * Sets up an installed package at its first use: fetches libtorch and builds the addon, into the user's cache, with progress on stderr.
 * Does nothing where that is done, and in a clone of the repository, which has a command for it.
 *
 * @throws ERR_ADDON, saying what to do
 */
export async function setUpAtFirstUse(): Promise<void> {
  if (!isInstalled(packageRoot()) || isReady()) return
  await runSetUp()
}

/** Sets up in any case, as `torchgraft setup`. @throws ERR_ADDON, saying what to do */
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
