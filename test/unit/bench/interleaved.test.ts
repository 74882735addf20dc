import { runInterleaved, tellingLine, valuesOf } from '../../../bench/harness/interleaved.mjs'
import { MismatchError } from '../../../bench/report/sameness.mjs'
import type { Runner, Context, Facts, Task } from '../../../bench/types.d.mts'
import { UnavailableError } from '../../../bench/harness/worker.mjs'

const facts: Facts = { how: 'quickly', precision: 'fp32', images: 4 }

function stage(own: Readonly<Record<string, Partial<Runner>>> = {}, skip: Context['skip'] = {}) {
  const calls: string[] = []
  const told: string[] = []
  const start = (name: string): Runner => ({
    begin: () => (calls.push(`${name} begins`), Promise.resolve(facts)),
    run: () => (calls.push(name), Promise.resolve({ value: calls.length })),
    close: () => (calls.push(`${name} ends`), Promise.resolve()),
    ...own[name],
  })
  const context = { skip, device: 'cuda:1', tell: (line: string) => void told.push(line) } as Partial<Context> as Context
  const run = (peers: readonly string[], repeats: number, more: Partial<Task> = {}) =>
    runInterleaved(context, { title: 'm', task: 't', params: {}, peers, repeats, start, ...more })
  return { calls, told, run }
}

describe('interleaved runs', () => {
  test('makes all ready first, then runs them in turn, and ends them', async () => {
    const { calls, run } = stage()
    const { samples, how } = await run(['a', 'b'], 2)
    expect(calls).toEqual(['torchgraft begins', 'a begins', 'b begins', 'torchgraft', 'a', 'b', 'torchgraft', 'a', 'b', 'torchgraft ends', 'a ends', 'b ends'])
    expect(valuesOf(samples)).toEqual({ torchgraft: [4, 7], a: [5, 8], b: [6, 9] })
    expect(how).toEqual({ torchgraft: 'quickly', a: 'quickly', b: 'quickly' })
  })

  test.each([
    ['cannot run here', new UnavailableError('there is no compiler'), 'there is no compiler'],
    ['fails', new Error('Traceback\n  File x\nValueError: no'), 'ValueError: no'],
  ])('a peer that %s is left out, which is told', async (_, error, why) => {
    const { told, run } = stage({ a: { begin: () => Promise.reject(error) } })
    const { samples, leftOut } = await run(['a', 'b'], 1)
    expect(Object.keys(samples)).toEqual(['torchgraft', 'b'])
    expect(leftOut).toEqual({ a: why })
    expect(told.join('\n')).toContain(`a is left out: ${why}`)
  })

  test('is left out for what its error says, not for the advice after it', () => {
    expect(tellingLine('CppCompileError: C++ compile error\nCommand:\ng++ -I/a\nOutput:\nld: no\n\nSet X=1 for more')).toBe('CppCompileError: C++ compile error')
    expect(tellingLine('torch._inductor.exc.InductorError: no\n  more')).toBe('torch._inductor.exc.InductorError: no')
    expect(tellingLine('one\ntwo')).toBe('two')
  })

  test('a peer that fails while it is timed leaves no values', async () => {
    let runs = 0
    const { run } = stage({ a: { run: () => (++runs === 2 ? Promise.reject(new Error('out of memory')) : Promise.resolve({ value: 1 })) } })
    const { samples, leftOut } = await run(['a'], 3)
    expect(samples).not.toHaveProperty('a')
    expect(samples['torchgraft']).toHaveLength(3)
    expect(leftOut).toEqual({ a: 'out of memory' })
  })

  test('torchgraft is never left out: its failure ends the bench', async () => {
    const { run } = stage({ torchgraft: { begin: () => Promise.reject(new Error('no addon')) } })
    await expect(run(['a'], 1)).rejects.toThrow('m: torchgraft: no addon')
  })

  test('unlike work ends the bench before anything is timed, and the processes with it', async () => {
    const { calls, run } = stage({ a: { begin: () => Promise.resolve({ ...facts, images: 5 }) } })
    await expect(run(['a'], 1)).rejects.toThrow(MismatchError)
    expect(calls).toEqual(['torchgraft begins', 'torchgraft ends', 'a ends'])
  })

  test('unlike work is timed all the same where that is asked for, and told', async () => {
    const { run } = stage({ a: { begin: () => Promise.resolve({ ...facts, images: 5 }) } })
    const told: Error[] = []
    const { samples, same } = await run(['a'], 1, { onMismatch: (error) => void told.push(error) })
    expect([Object.keys(samples), same, told.map(({ message }) => message)]).toEqual([['torchgraft', 'a'], [], ['m: a had 5 images and torchgraft 4']])
  })

  test('each is told the device, and a peer that fails with more than its error with all of it', async () => {
    const given: object[] = []
    const own = { torchgraft: { begin: (_: string, params: object) => (given.push(params), Promise.resolve(facts)) } }
    const { told, run } = stage({ ...own, a: { begin: () => Promise.reject(new Error('File x, line 3\nValueError: no')) } })
    await run(['a'], 1)
    expect(given).toEqual([{ device: 'cuda:1' }])
    expect(told).toContain('File x, line 3\nValueError: no')
  })

  test('a peer that this run has no time for is not started, and named', async () => {
    const { calls, run } = stage({}, { a: 'takes minutes' })
    expect((await run(['a'], 1)).leftOut).toEqual({ a: 'takes minutes' })
    expect(calls).not.toContain('a begins')
  })
})
