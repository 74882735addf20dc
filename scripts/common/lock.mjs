import { randomBytes } from 'node:crypto'
import { link, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownIdentity, processState } from './process-identity.mjs'

/** @typedef {import('./lock.mjs').Holder} Holder */

/** What is added to a lock's name for the files that it is prepared in and taken over by, with the process that does. */
// The number alone, or with .dead, is how version 0.1.0 called them.
const LEFTOVER = /^\.(\d+)(?:\.dead|\.[0-9a-f]{12}(?:\.new|\.takes)?)?$/
/** Taking over lasts milliseconds: what announces it for so long is of a machine that went down. */
const TAKING_OVER_MS = 60_000
/** Where a lock is not made whole at once, it may be empty for a moment. */
const BEING_WRITTEN_MS = 2000

/**
 * Takes the lock at `path`, or tells who holds it. One whose holder is dead is taken over: by one process at a time, so
 * that none removes what another has just taken.
 *
 * @param {string} path
 * @returns {Promise<import('./lock.mjs').Lock | { readonly holder: Holder }>}
 */
export async function tryLock(path) {
  const own = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`
  const text = JSON.stringify({ ...ownIdentity(), id: basename(own) })
  const began = performance.now()
  await writeFile(own, text)
  try {
    /** @type {number | null | undefined} */
    let staleLockPid
    for (;;) {
      const { made, whole } = await linked(own, path)
      if (made) return { ...(staleLockPid !== undefined && { staleLockPid }), release: () => release(path, text) }
      const found = await readIfThere(path)
      if (found === undefined) continue // just released
      const holder = holderIn(found)
      if (holder.life !== 'dead') return { holder }
      const beingWritten = !whole && holder.pid === null && !(await isOlder(path, own, BEING_WRITTEN_MS - (performance.now() - began)))
      if (!beingWritten && (await removeDead(path, found, own, text))) staleLockPid = holder.pid
      else await sleep(5 + Math.random() * 45)
    }
  } finally {
    await rm(own, { force: true })
  }
}

/** Who holds a lock, or held it and is dead; undefined where nobody does. @param {string} path @returns {Promise<Holder | undefined>} */
export async function holderOf(path) {
  const found = await readFile(path, 'utf8').catch(() => undefined)
  return found === undefined ? undefined : holderIn(found)
}

/** Whether a file beside a lock was left by a process that died while it took it. @param {string} lock its name @param {string} name */
export function isLockLeftover(lock, name) {
  const pid = name.startsWith(lock) ? LEFTOVER.exec(name.slice(lock.length))?.[1] : undefined
  return pid !== undefined && processState({ pid: Number(pid) }) === 'dead'
}

/** @param {string} text @returns {Holder} */
function holderIn(text) {
  try {
    const { pid, host, system, started } = JSON.parse(text)
    if (Number.isSafeInteger(pid) && pid > 0) {
      const known = Object.entries({ host, system, started }).filter((entry) => typeof entry[1] === 'string')
      return { pid, host: typeof host === 'string' ? host : null, life: processState({ pid, ...Object.fromEntries(known) }) }
    }
  } catch {
    // A lock is made whole, so this one was damaged, or is no lock: nobody holds it.
  }
  return { pid: null, host: null, life: 'dead' }
}

/**
 * Links are made whole or not at all, and never over another: a lock that is seen has its holder in it.
 *
 * @param {string} from @param {string} to
 */
async function linked(from, to) {
  const codeOf = (/** @type {unknown} */ error) => /** @type {NodeJS.ErrnoException} */ (error).code ?? ''
  let whole = true
  try {
    await link(from, to).catch(async (error) => {
      if (!NO_LINKS.includes(codeOf(error))) throw error
      whole = false
      await writeFile(to, await readFile(from), { flag: 'wx' })
    })
    return { made: true, whole }
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return { made: false, whole }
    throw error
  }
}

/** What file systems without hard links say. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK']

/**
 * Removes the very lock that was judged. Each says first that it is about to, and goes on where nobody else has said
 * so: of two, the later sees the earlier. And while one is at it nobody else removes, so that what it read stays.
 *
 * @param {string} path @param {string} judged @param {string} own @param {string} text
 */
async function removeDead(path, judged, own, text) {
  const announced = `${own}.takes`
  try {
    await writeFile(`${own}.new`, text)
    await rename(`${own}.new`, announced)
    const isOther = (/** @type {string} */ name) =>
      name.startsWith(`${basename(path)}.`) && name.endsWith('.takes') && name !== basename(announced)
    const others = (await readdir(dirname(path))).filter(isOther)
    for (const name of others) {
      const other = join(dirname(path), name)
      const said = await readIfThere(other)
      if (said !== undefined && holderIn(said).life !== 'dead' && !(await isOlder(other, announced, TAKING_OVER_MS))) return false
    }
    if ((await readIfThere(path)) !== judged) return false
    await rm(path, { force: true })
    return true
  } finally {
    await rm(`${own}.new`, { force: true })
    await rm(announced, { force: true })
  }
}

/** Told by the file system's clock alone. @param {string} file @param {string} than @param {number} ms */
async function isOlder(file, than, ms) {
  const [first, second] = await Promise.all([stat(file).catch(() => undefined), stat(than)])
  return first === undefined || second.mtimeMs - first.mtimeMs > ms
}

/** @param {string} path */
async function readIfThere(path) {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined
    throw error
  }
}

/** Where the folder was removed and made anew, the lock in it may be another's. @param {string} path @param {string} own */
async function release(path, own) {
  const found = await readFile(path, 'utf8').catch(() => undefined)
  if (found === own) await rm(path, { force: true }).catch(() => {}) // one that stays is a dead process's
}
