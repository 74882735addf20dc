import { mkdir, readdir } from 'node:fs/promises'
import { workFolder } from '../../helpers/work-folder.js'

const { at, cli } = workFolder()
const json = (text: string): unknown => JSON.parse(text) as unknown

describe('usage', () => {
  beforeAll(() => mkdir(at('runs'))) // where the default output lies: a run that is refused leaves that folder, empty

  test.each([
    [['trian'], "unknown command 'trian'\n(Did you mean train?)"],
    [['train', '--epoch', '3'], "unknown option '--epoch'\n(Did you mean --epochs?)"],
    [['train', 'a', 'b'], 'too many arguments'],
    [['train', 'x', '--epochs', 'many'], 'Expected a number'],
    [['train', 'x', '--epochs', '0'], 'Expected an integer from 1 to 100000 for --epochs but received 0'],
    [['train', 'x', '--precision', 'fp8'], 'Allowed choices are auto, fp32, bf16'],
    [['train', '--resume'], 'Expected the run folder to resume for --output but received nothing'],
    [['predict', 'm'], "missing required argument 'images'"],
    [['predict', 'm', 'i', '--json', '--csv'], 'cannot be used with'],
    [[], 'Usage: torchgraft'],
  ])('%j is told what is wrong, with exit code 2', async (args, message) => {
    const end = await cli(args)
    expect(end).toMatchObject({ code: 2, stdout: '' })
    expect(end.stderr).toContain(message)
  })

  test.each([['train'], ['evaluate'], ['predict'], ['inspect'], ['export'], ['weights'], ['doctor'], ['setup']])('%s --help fits 80 columns', async (command) => {
    const end = await cli([command, '--help'])
    expect(end.code).toBe(0)
    expect(end.stdout).toMatch(new RegExp(`^Usage: torchgraft ${command}`))
    expect(Math.max(...end.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  test.each([
    [['train', 'nowhere'], 'ERR_DATA_EMPTY', 'nowhere'],
    [['train', 'colours', '--model', 'regnet_y_800mf'], 'ERR_WEIGHTS_MISSING', undefined],
    [['train', 'colours', '--weights', 'nothing.safetensors'], 'ERR_WEIGHTS_MISSING', 'nothing.safetensors'],
    [['train', 'colours', '--device', 'cuda:5', '--output', 'never'], 'ERR_DEVICE', undefined],
    [['predict', 'nothing.safetensors', 'colours'], 'ERR_FILE_FORMAT', 'nothing.safetensors'],
  ])('%j fails with %s and leaves nothing behind', async (args, code, path) => {
    const before = (await readdir(at())).sort()
    const end = await cli([...args, '--json'])
    expect(end.code).toBe(1)
    expect(json(end.stdout)).toEqual({ error: { code, message: expect.any(String), ...(path !== undefined && { path }) } })
    expect((await readdir(at())).sort()).toEqual(before)
  })

  test('doctor tells what there is, for people and for programs', async () => {
    const end = await cli(['doctor', '--json'])
    expect(end.code).toBe(0)
    expect(json(end.stdout)).toMatchObject({ ok: true, libtorch: { version: expect.stringMatching(/^2\.13/), cuda: expect.any(Boolean) }, devices: expect.arrayContaining(['cpu']), processor: { cores: expect.any(Number) }, node: process.versions.node, advice: expect.any(Array) })
    const broken = await cli(['doctor'], { env: { ...process.env, LIBTORCH: '/nonexistent' } })
    expect(broken).toMatchObject({ code: 1, stdout: expect.stringContaining('there is no folder /nonexistent') })
  })
})
