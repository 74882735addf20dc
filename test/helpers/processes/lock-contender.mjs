// Takes a lock many times, beside others that do. What it does with it only one may do at a time; half of the times it
// goes as a process does that was killed: its lock stays, with a dead process's number.
import { mkdir, rename, rmdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const [module = '', path = '', rounds = '', dead = ''] = process.argv.slice(2)
const { tryLock } = /** @type {typeof import('../../../scripts/common/lock.mjs')} */ (await import(module))
let taken = 0
const end = performance.now() + 100_000
while (taken < Number(rounds)) {
  if (performance.now() > end) throw new Error(`took the lock ${taken} times of ${rounds} in 100 s`)
  const lock = await tryLock(path)
  if (!('release' in lock)) {
    await sleep(1)
    continue
  }
  taken++
  await mkdir(`${path}-in-use`) // fails where another is in here
  await sleep(Math.random() * 2)
  await rmdir(`${path}-in-use`)
  if (taken % 2 === 0) await lock.release()
  else {
    await writeFile(`${path}-${process.pid}`, JSON.stringify({ pid: Number(dead), id: `${process.pid} ${taken}` }))
    await rename(`${path}-${process.pid}`, path)
  }
}
console.log(taken)
