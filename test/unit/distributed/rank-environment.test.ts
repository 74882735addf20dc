import { rankEnvironment, restartOf } from '../../../src/distributed/rank-environment.js'

/** As torchrun sets it for the third of four ranks, on the second of two machines. */
const TORCHRUN = {
  RANK: '2', LOCAL_RANK: '0', WORLD_SIZE: '4', LOCAL_WORLD_SIZE: '2', MASTER_ADDR: 'node-1.cluster', MASTER_PORT: '29500',
  TORCHELASTIC_USE_AGENT_STORE: 'True', TORCHELASTIC_RESTART_COUNT: '3', TORCHELASTIC_RUN_ID: 'job-7',
} as const

test('the environment of torchrun tells a rank its place, its store and its restarts', () => {
  expect(rankEnvironment(TORCHRUN)).toEqual({
    rank: 2, localRank: 0, worldSize: 4, localWorldSize: 2, masterAddress: 'node-1.cluster', masterPort: 29500, agentStore: true,
    restartCount: 3, runId: 'job-7',
  })
})

test.each([
  ['nothing is set', {}],
  ['the variables are empty', { RANK: '', WORLD_SIZE: '' }],
  ['there is one rank', { RANK: '0', WORLD_SIZE: '1' }],
  ['an address alone is set, as some clusters do', { MASTER_ADDR: 'node-1', MASTER_PORT: '29500' }],
])('where %s, a process is by itself', (_, env) => {
  expect(rankEnvironment(env)).toBeUndefined()
})

test.each([
  ['RANK', '4', 'an integer from 0 to 3'],
  ['RANK', '-1', 'an integer from 0 to 3'],
  ['RANK', undefined, 'an integer from 0 to 3'],
  ['RANK', '1.0', 'an integer from 0 to 3'],
  ['RANK', ' 1', 'an integer from 0 to 3'],
  ['WORLD_SIZE', undefined, 'an integer from 1 to 65536'],
  ['WORLD_SIZE', '0', 'an integer from 1 to 65536'],
  ['WORLD_SIZE', '1e3', 'an integer from 1 to 65536'],
  ['WORLD_SIZE', '9999999999', 'an integer from 1 to 65536'],
  ['LOCAL_WORLD_SIZE', '5', 'an integer from 1 to 4'],
  ['LOCAL_WORLD_SIZE', undefined, 'an integer from 1 to 4'],
  ['LOCAL_RANK', '2', 'an integer from 0 to 1'],
  ['LOCAL_RANK', undefined, 'an integer from 0 to 1'],
  ['MASTER_PORT', '0', 'an integer from 1 to 65535'],
  ['MASTER_PORT', '65536', 'an integer from 1 to 65535'],
  ['MASTER_PORT', '0x50', 'an integer from 1 to 65535'],
  ['MASTER_ADDR', '', 'the name or address of rank 0\'s machine'],
  ['MASTER_ADDR', 'a b', 'the name or address of rank 0\'s machine'],
  ['MASTER_ADDR', 'http://node', 'the name or address of rank 0\'s machine'],
  ['MASTER_ADDR', 'x'.repeat(254), 'the name or address of rank 0\'s machine'],
  ['TORCHELASTIC_RESTART_COUNT', 'many', 'an integer from 0 to 1000000'],
])('%s of %j is refused by its name', (name, value, expected) => {
  const refused = expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining(`Expected ${expected} for the environment's ${name} but received`) })
  expect(() => rankEnvironment({ ...TORCHRUN, [name]: value })).toThrow(refused as Error)
})

test.each(['127.0.0.1', 'localhost', 'fe80::1%eth0', 'gpu_node-3.example.org'])('%s is an address', (address) => {
  expect(rankEnvironment({ ...TORCHRUN, MASTER_ADDR: address })?.masterAddress).toBe(address)
})

test.each([
  [{}, { restartCount: 0, runId: undefined }],
  [{ TORCHELASTIC_RUN_ID: 'none', TORCHELASTIC_RESTART_COUNT: '0' }, { restartCount: 0, runId: undefined }],
  [{ TORCHELASTIC_RUN_ID: 'job', TORCHELASTIC_RESTART_COUNT: '2' }, { restartCount: 2, runId: 'job' }],
])('of %j the restarts are %j', (env, expected) => {
  expect(restartOf(env)).toEqual(expected)
})
