import { join } from 'node:path'
import { startChild } from '../child.mjs'
import { childFailed } from '../part.mjs'

const LIMIT = 60
/** As many images of as many classes as the notebook's buildings, and as large. */
const SIZES = {
  full: { classes: 20, images: 769, width: 320, height: 240 },
  quick: { classes: 4, images: 120, width: 96, height: 72 },
}

/** @param {boolean} quick */
export const classesOf = (quick) => SIZES[quick ? 'quick' : 'full'].classes

/**
 * Makes the images of all parts, beside what else goes on.
 *
 * @param {Pick<import('../types.d.mts').Context, 'root' | 'temporary' | 'env' | 'quick'>} context
 * @returns {Promise<string>} their folder
 */
export async function makeData({ root, temporary, env, quick }) {
  const folder = join(temporary, 'buildings')
  const code = `import { makeBuildings } from ${JSON.stringify(new URL('made-buildings.mjs', import.meta.url).href)}
await makeBuildings(${JSON.stringify(folder)}, ${JSON.stringify(SIZES[quick ? 'quick' : 'full'])})`
  const end = await startChild(process.execPath, ['--input-type=module', '-e', code], { cwd: root, env, limit: LIMIT }).end
  if (end.code !== 0) throw childFailed('Making images', end, LIMIT)
  return folder
}
