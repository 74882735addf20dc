import { once } from 'node:events'
import { connect } from 'node:net'
import { joinRendezvous, RendezvousServer } from '../../../src/distributed/rendezvous.js'
import type { Peers } from '../../../src/distributed/peers.js'
import { ALONE } from '../../../src/distributed/ranks.js'

/** So many ranks in this process, which know each other by sockets. */
async function ranks(worldSize: number): Promise<readonly Peers[]> {
  const server = await RendezvousServer.open('127.0.0.1')
  const others = Array.from({ length: worldSize - 1 }, (_, i) => joinRendezvous(i + 1, worldSize, '127.0.0.1', server.rendezvous))
  return Promise.all([server.all(worldSize), ...others])
}

const on = <T>(all: readonly Peers[], work: (rank: Peers) => Promise<T>): Promise<T[]> => Promise.all(all.map(work))
const failures = (all: readonly Peers[]): Promise<string[]> => on(all, ({ failure }) => failure.catch((error: Error) => error.message))
const same = (all: readonly Peers[], each: unknown): unknown[] => all.map(() => each)
const HERE = String.raw`\(process ${process.pid} on [^)]+\)`

describe.each([2, 4])('%d ranks', (worldSize) => {
  let all: readonly Peers[]
  beforeEach(async () => void (all = await ranks(worldSize)))
  afterEach(() => all.forEach((rank) => rank.leave()))

  test('know their places', () => {
    expect(all.map(({ rank }) => rank)).toEqual(Array.from({ length: worldSize }, (_, i) => i))
    expect(all.map((rank) => rank.worldSize)).toEqual(Array.from({ length: worldSize }, () => worldSize))
  })

  test('gather every rank\'s value, in the order of the ranks, whoever comes first', async () => {
    const order = [...all].reverse()
    const gathered = order.map((rank) => rank.gather('squares', { square: rank.rank ** 2 }))
    const expected = all.map(({ rank }) => ({ square: rank ** 2 }))
    expect(await Promise.all(gathered)).toEqual(all.map(() => expected))
  })

  test('hear rank 0, which waits for nobody', async () => {
    const [first, ...others] = all as [Peers, ...Peers[]]
    const said = [1, 2, 3].map((value) => first.fromFirst('a number', () => value))
    expect(await Promise.all(said)).toEqual([1, 2, 3])
    const never = (): never => {
      throw new Error('another rank was asked')
    }
    for (const other of others) for (const value of [1, 2, 3]) expect(await other.fromFirst('a number', never)).toBe(value)
  })

  test('take messages of megabytes, and numbers to the last bit', async () => {
    const long = Array.from({ length: 20_000 }, (_, i) => `${i}.jpg`)
    const [values] = await on(all, (each) => each.gather('lists', { long, third: each.rank / 3 }))
    expect(values).toEqual(all.map(({ rank }) => ({ long, third: rank / 3 })))
  })

  test('that are at different calls all end, told which they are', async () => {
    const last = all.at(-1)!
    const calls = on(all, (rank) => rank.gather(rank === last ? 'the end' : 'step 3', 0).catch((error: Error) => error.message))
    const message = `Rank ${last.rank} is at "the end" where rank 0 is at "step 3": they do not run the same program`
    expect(await calls).toEqual(all.map(() => message))
  })

  test('end when one fails, with its reason, in calls and between them', async () => {
    const last = all.at(-1)!
    const others = all.filter((rank) => rank !== last)
    const calls = others.map((rank) => rank.gather('step 1', 0).catch((error: Error) => error))
    last.fail('Could not write last.safetensors: ENOSPC')
    const reason = expect.stringMatching(`^Rank ${last.rank} ${HERE} failed: Could not write last.safetensors: ENOSPC$`)
    expect(await Promise.all(calls)).toEqual(same(others, expect.objectContaining({ code: 'ERR_DISTRIBUTED', message: reason })))
    expect(await failures(others)).toEqual(same(others, reason))
  })

  test('end when rank 0 fails', async () => {
    const [first, ...others] = all as [Peers, ...Peers[]]
    first.fail('no memory')
    expect(await failures(others)).toEqual(same(others, expect.stringMatching(`^Rank 0 ${HERE} failed: no memory$`)))
  })

  test('leave in any order without a word', async () => {
    const heard: string[] = []
    for (const { failure } of all) failure.catch((error: Error) => heard.push(error.message))
    await on(all, (rank) => rank.gather('the end', 0))
    for (const rank of [...all].reverse()) rank.leave()
    await Promise.race([all[0]!.failure, all.at(-1)!.failure, new Promise((resolve) => setTimeout(resolve, 50))])
    expect(heard).toEqual([])
  })
})

test('a connection that closes is the end of all, by the name of the rank behind it', async () => {
  const server = await RendezvousServer.open('127.0.0.1')
  const whole = server.all(3)
  const second = await joinRendezvous(1, 3, '127.0.0.1', server.rendezvous)
  const raw = connect(server.rendezvous.port, '127.0.0.1')
  await once(raw, 'connect')
  const hello = Buffer.from(JSON.stringify({ type: 'hello', token: server.rendezvous.token, rank: 2, process: 'process 7 on node-2' }))
  const header = Buffer.alloc(4)
  header.writeUInt32LE(hello.length)
  raw.write(Buffer.concat([header, hello]))
  const first = await whole
  raw.destroy()
  const message = 'Rank 2 (process 7 on node-2) is gone, killed or crashed: its connection was closed'
  expect(await failures([first, second])).toEqual([message, message])
})

test.each([
  ['says nothing of the token', { type: 'hello', rank: 1, process: 'x' }],
  ['has another token', { type: 'hello', token: '00', rank: 1, process: 'x' }],
  ['is no hello', { type: 'alive' }],
])('a stranger whose first message %s is not let in, and keeps nobody out', async (_, message) => {
  const server = await RendezvousServer.open('127.0.0.1')
  const whole = server.all(2)
  const stranger = connect(server.rendezvous.port, '127.0.0.1')
  const body = Buffer.from(JSON.stringify(message))
  const header = Buffer.alloc(4)
  header.writeUInt32LE(body.length)
  stranger.write(Buffer.concat([header, body]))
  await once(stranger, 'close')
  const second = await joinRendezvous(1, 2, '127.0.0.1', server.rendezvous)
  const first = await whole
  expect(await Promise.all([first.gather('both', 'a'), second.gather('both', 'b')])).toEqual([['a', 'b'], ['a', 'b']])
  for (const rank of [first, second]) rank.leave()
})

test.each([
  ['too long a length', Buffer.from([0xff, 0xff, 0xff, 0x7f])],
  ['no JSON', Buffer.from([2, 0, 0, 0, 0x7b, 0x7b])],
  ['JSON that is no message', Buffer.from([4, 0, 0, 0, 0x6e, 0x75, 0x6c, 0x6c])],
])('a stranger that sends %s is cut off', async (_, bytes) => {
  const server = await RendezvousServer.open('127.0.0.1')
  const whole = server.all(2, 60)
  const stranger = connect(server.rendezvous.port, '127.0.0.1')
  stranger.write(bytes)
  await once(stranger, 'close')
  await expect(whole).rejects.toMatchObject({ code: 'ERR_DISTRIBUTED', message: expect.stringContaining('Rank 1 did not connect to rank 0 within') })
})

test('where nobody listens, a rank says where it looked', async () => {
  const server = await RendezvousServer.open('127.0.0.1')
  const nobody = server.all(2, 1)
  await expect(nobody).rejects.toMatchObject({ code: 'ERR_DISTRIBUTED' })
  await expect(joinRendezvous(1, 2, '127.0.0.1', server.rendezvous)).rejects.toMatchObject({
    code: 'ERR_DISTRIBUTED', message: expect.stringContaining(`Rank 1 could not reach rank 0 at 127.0.0.1:${server.rendezvous.port}: ECONNREFUSED`),
  })
})

test('a process alone gathers its own value, and hears itself', async () => {
  expect(await ALONE.gather('anything', 3)).toEqual([3])
  expect(await ALONE.fromFirst('anything', () => 4)).toBe(4)
})
