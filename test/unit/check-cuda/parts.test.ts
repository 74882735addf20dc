import { startChild, startTeller } from '../../../scripts/check-cuda/child.mjs'
import { readOptions } from '../../../scripts/check-cuda/options.mjs'
import { CheckFailed, childFailed, LeftOut, runPart } from '../../../scripts/check-cuda/part.mjs'

const told: string[] = []
const options = { limit: 20, tell: (line: string) => void told.push(line) }
const how = { cwd: process.cwd(), env: process.env, limit: 20 }

describe('a part of check:cuda', () => {
  test.each<[string, () => Promise<string>, object]>([
    ['what it found', async () => 'all well', { result: 'ok', what: 'all well' }],
    ['why it is left out', () => Promise.reject(new LeftOut('no torch')), { result: 'left out', what: 'no torch' }],
    ['the first line of why it failed', () => Promise.reject(new CheckFailed('far\nlosses')), { result: 'FAILED', what: 'far' }],
    ['what nobody foresaw', () => Promise.reject(new TypeError('x is undefined')), { result: 'FAILED', what: 'x is undefined' }],
  ])('results in %s', async (_, work, expected) => {
    expect(await runPart('train', options, work)).toMatchObject({ part: 'train', ...expected })
  })

  test('tells all of a failure at once: more than its table has room for', async () => {
    await runPart('train', options, () => Promise.reject(new CheckFailed('too far\nlosses: 1, 2')))
    expect(told.join('\n')).toContain('losses: 1, 2')
  })

  test('ends with its children when its time is up', async () => {
    let end: ReturnType<typeof startChild>['end'] | undefined
    const result = await runPart('speed', { ...options, limit: 0.5 }, async (signal) => {
      end = startChild(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { ...how, signal }).end
      return (await end).lines.join()
    })
    expect(result).toMatchObject({ result: 'FAILED', what: 'speed was not over after its 0.5 s' })
    expect((await end)?.signal).toBe('SIGKILL')
  })
})

describe('a child of check:cuda', () => {
  test('tells messages, which other output does not disturb', async () => {
    const messages: unknown[] = []
    const code = 'console.log("{ no JSON"); console.log(JSON.stringify({ row: 1 })); console.error("warning")'
    const onMessage = (message: unknown): void => void messages.push(message)
    const end = await startTeller(process.execPath, ['-e', code], { ...how, onMessage }).end
    expect([messages, end.code, [...end.lines].sort()]).toEqual([[{ row: 1 }], 0, ['warning', '{ no JSON', '{"row":1}']])
  })

  test('that fails is told with its command and its last lines', async () => {
    const code = 'console.log("CUDA error: 700"); process.exit(3)'
    const end = await startChild(process.execPath, ['-e', code, "it's"], how).end
    const command = `${process.execPath} -e '${code}' 'it'\\''s'`
    expect(childFailed('The peer', end, 20).message).toBe(`The peer ended with code 3\nThe command: ${command}\nIt said last:\n  | CUDA error: 700`)
  })

  test('that fails in silence is told so', async () => {
    const end = await startChild(process.execPath, ['-e', 'process.exit(3)'], how).end
    expect(childFailed('The peer', end, 20).message).toContain('\nIt said nothing.')
  })

  test('that takes too long is ended, with what it has started', async () => {
    const end = await startChild('sh', ['-c', 'sleep 60; true'], { ...how, limit: 0.3 }).end
    expect(childFailed('A test', end, 0.3).message).toContain('A test was ended after its 0.3 s')
  })

  test('that is not there is told so', async () => {
    const end = await startChild('no-such-program', [], how).end
    expect(childFailed('nvcc', end, 20).message).toMatch(/nvcc could not be started: .*ENOENT/)
  })
})

describe('the options of check:cuda', () => {
  test('parts come in their order, and cuda is the first GPU', () => {
    const expected = { device: 'cuda:0', only: ['build', 'speed'], compiled: false, quick: false }
    expect(readOptions(['--only', 'speed,build', '--no-compiled'])).toMatchObject(expected)
  })

  test.each([
    [['--only', 'trian'], /for --only but received trian/],
    [['--device', 'gpu'], /for --device but received gpu/],
    [['--fast'], /--fast[^]*--no-compiled/],
  ])('%j is refused', (args, message) => {
    expect(() => readOptions(args)).toThrow(message)
  })
})
