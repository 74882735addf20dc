import { RankWorkers } from '../../../bench/harness/rank-workers.mjs'
import { ofAllRanks } from '../../../bench/measures/scale-ranks.mjs'
import type { Sample } from '../../../bench/types.d.mts'

const answering = (begun: string, ran: string) => ({
  command: process.execPath, env: process.env, cwd: '.',
  args: ['--input-type=module', '--eval', `
    import { createInterface } from 'node:readline'
    const { RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT } = process.env
    for await (const line of createInterface({ input: process.stdin })) {
      const { begin, params, run } = JSON.parse(line)
      console.log(JSON.stringify(begin ? ${begun} : ${ran}))
    }`],
})
const listed: Sample[] = []
const keep = (samples: readonly Sample[]) => (listed.splice(0, Infinity, ...samples), { value: samples.length })

describe('the ranks of one side', () => {
  test('are told their places, work side by side, and answer as one, rank 0 first', async () => {
    const ranks = new RankWorkers(
      answering(
        '{ how: [begin, params.x, RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR].join(" "), precision: "fp32" }',
        '{ rank: Number(RANK), port: Number(MASTER_PORT), repeat: run.repeat }',
      ), 3, keep)
    expect(await ranks.begin('task', { x: 7 })).toEqual({ how: 'task 7 0 3 0 3 127.0.0.1', precision: 'fp32' })
    expect(await ranks.run({ repeat: 4 })).toEqual({ value: 3 })
    await ranks.close()
    const port = listed[0]?.['port']
    expect(port).toBeGreaterThan(0)
    expect(listed).toEqual([0, 1, 2].map((rank) => ({ rank, port, repeat: 4 })))
  })

  test('fail together with what one of them says', async () => {
    const ranks = new RankWorkers(answering('RANK === "1" ? { error: "no share" } : { how: "", precision: "fp32" }', '{}'), 2, keep)
    await expect(ranks.begin('task', {})).rejects.toThrow('no share')
    await ranks.close()
  })
})

// A batch of 32 images; ms and MB.
test.each([
  ['one rank has nothing to reduce', [{ seconds: 0.5, alone: 0.5, bytes: 0 }], { value: 64, outside: 0, megabytes: 0 }],
  ['the step is the slowest rank\'s, one without a group the mean of them', [{ seconds: 0.75, alone: 0.5, bytes: 8e6 }, { seconds: 1, alone: 0.75, bytes: 8e6 }], { value: 32, outside: 375, megabytes: 8 }],
  ['a ring of four sends one and a half times what it reduces', Array.from({ length: 4 }, () => ({ seconds: 1, alone: 1, bytes: 8e6 })), { value: 32, outside: 0, megabytes: 12 }],
  ['a peer that counts no bytes', [{ seconds: 1, alone: 1 }, { seconds: 1, alone: 1 }], { value: 32, outside: 0, megabytes: 0 }],
])('%s', (_, samples, expected) => {
  expect(ofAllRanks(samples, 32)).toEqual(expected)
})
