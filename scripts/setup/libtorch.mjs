import { fetchLibtorch } from '../libtorch/fetch.mjs'
import { locateLibtorch } from '../libtorch/locate.mjs'
import { printable } from '../common/printable.mjs'
import { SetupError } from './errors.mjs'

/** @typedef {import('./step.mjs').Step} Step */

/** Finds libtorch, or fetches it. @type {Step} */
export const libtorch = async ({ root, env, progress }) => {
  const { found, tried } = locateLibtorch({ root, env })
  if (found) return
  const named = tried.find(({ source, result }) => source !== 'set-up' && result !== 'not set')
  if (named) throw new SetupError(`${named.source} is set, and cannot be used: ${printable(named.result)}.`)
  await fetchLibtorch({ root, env, progress })
}
