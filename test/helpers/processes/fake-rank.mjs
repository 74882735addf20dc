// A rank that does what its arguments say of it, `RANK=DEED`, once it has told its process: else it waits to be ended.
import { appendFileSync } from 'node:fs'
import { endWithLauncher, isLaunched, reportToLauncher } from '../../../dist/distributed/launched.js'

const rank = process.env.RANK
if (!isLaunched()) throw new Error('not launched')
endWithLauncher()

/** @type {Readonly<Record<string, () => unknown>>} */
const DEEDS = {
  done: () => process.exit(0),
  'says-env': () => {
    const { RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE, MASTER_ADDR, TORCHELASTIC_RUN_ID } = process.env
    process.stdout.write(JSON.stringify({ RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE, MASTER_ADDR, TORCHELASTIC_RUN_ID }))
    process.stderr.write('to stderr')
    process.exit(0)
  },
  fails: () => {
    process.stderr.write('a line before\ntorchgraft: Could not read x.jpg\n')
    process.exit(1)
  },
  silent: () => process.exit(3),
  crashes: () => process.kill(process.pid, 'SIGSEGV'),
  killed: () => process.kill(process.pid, 'SIGKILL'),
  stops: () => process.kill(process.pid, 'SIGSTOP'),
  tells: async () => {
    await reportToLauncher({ message: 'Rank 1 is stopped' })
    process.exit(1)
  },
  'on-signal': () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => {
      process.stdout.write(signal)
      process.exit(130)
    })
  },
  'on-message': () => process.on('SIGTERM', () => {}), // hears nothing that asks it to end
}
const deed = process.argv.slice(2).map((word) => word.split('=')).find(([of]) => of === rank)?.[1]
setInterval(() => {}, 1000)
await DEEDS[deed ?? '']?.()
if (process.env.TEST_PIDS) appendFileSync(process.env.TEST_PIDS, `${process.pid}\n`) // ready for whatever comes
