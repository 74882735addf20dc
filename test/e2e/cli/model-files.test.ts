import { readdir, writeFile } from 'node:fs/promises'
import { readModelFile } from '../../../src/runs/model-file.js'
import { deadUrl, serve } from '../../helpers/processes/server.js'
import { SMALL, trainColours, workFolder } from '../../helpers/work-folder.js'

const work = workFolder()
const { at, cli } = work
trainColours(work)
const json = (text: string): unknown => JSON.parse(text) as unknown

describe('model files', () => {
  const model = 'runs/colours/best.safetensors'

  test('inspect tells what is in a file and in a run, for people and for programs', async () => {
    const file = json((await cli(['inspect', model, '--json'])).stdout)
    expect(file).toMatchObject({ kind: 'safetensors', model: 'regnet_y_400mf', metadata: { classes: ['blue', 'green', 'red'] }, fits: { variant: 'regnet_y_400mf', classes: 3 }, bytes: expect.any(Number) })
    expect((file as { tensors: unknown[] }).tensors[0]).toEqual({ name: 'stem.0.weight', dtype: 'float32', shape: [32, 3, 3, 3] })
    expect(json((await cli(['inspect', 'runs/colours', '--json'])).stdout)).toMatchObject({ kind: 'run', model: 'regnet_y_400mf', metadata: { options: { epochs: 3 } }, tensors: [] })
    const text = (await cli(['inspect', 'runs/colours'])).stdout
    expect(text).toMatch(/^run, [\d.]+ MB, regnet_y_400mf\n/)
    expect(text).toContain('best.safetensors')
    expect(await cli(['inspect', 'nothing.pth', '--json'])).toMatchObject({ code: 1, stdout: expect.stringContaining('ERR_FILE_FORMAT') })
  })

  test('an exported .pth predicts the same, once it is told its classes', async () => {
    const exported = json((await cli(['export', model, '--format', 'pth', '--json'])).stdout)
    expect(exported).toEqual({ file: 'runs/colours/best.pth', bytes: expect.any(Number), optimizer: false, notes: [] })
    const again = await cli(['export', model, '--format', 'pth'])
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('best.pth exists') })
    const unnamed = await cli(['predict', 'runs/colours/best.pth', 'colours/red/1.png'])
    expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringMatching(/the names of 3 classes, in the order of the model's outputs, since runs\/colours\/best\.pth does not name them, for --classes but received nothing/) })
    await writeFile(at('names.txt'), 'blue\ngreen\nred\n')
    const predict = async (file: string, ...more: string[]) => json((await cli(['predict', file, 'colours/red/1.png', '--json', '--precision', 'fp32', '--threads', '1', ...more])).stdout) as { predictions: { label: string; probability: number }[] }[]
    const [ours] = await predict(model)
    const [theirs] = await predict('runs/colours/best.pth', '--classes', 'names.txt', '--size', '32')
    expect(theirs?.predictions.map(({ label }) => label)).toEqual(ours?.predictions.map(({ label }) => label))
    expect(theirs?.predictions[0]?.probability).toBeCloseTo(ours!.predictions[0]!.probability, 5)
    await cli(['export', 'runs/colours/best.pth', '--format', 'safetensors', '--output', 'plain.safetensors'])
    expect(await predict('plain.safetensors', '--classes', 'names.txt', '--size', '32')).toEqual([theirs])
    const scored = json((await cli(['evaluate', 'runs/colours/best.pth', 'colours', '--all', '--json', '--classes', 'names.txt', '--size', '32'])).stdout)
    expect(scored).toMatchObject({ count: 42 })
  })

  test('a run can begin from it, and from what was exported in half precision', async () => {
    expect((await cli(['export', model, '--format', 'safetensors', '--fp16'])).stdout).toMatch(/^runs\/colours\/best-fp16\.safetensors {2}[\d.]+ MB\n$/)
    const half = await readModelFile(at('runs/colours/best-fp16.safetensors'))
    expect([half.tensors.get('fc.weight')?.dtype, half.tensors.get('stem.1.running_var')?.dtype]).toEqual(['float16', 'float32'])
    for (const [i, weights] of ['runs/colours/best.pth', 'runs/colours/best-fp16.safetensors'].entries()) {
      const end = await cli(['train', 'colours', '--epochs', '1', '--weights', weights, '--output', `runs/again-${i}`, '--json', ...SMALL])
      expect(end.code).toBe(0)
    }
  })

  test('the optimizer goes along from last.safetensors', async () => {
    expect(json((await cli(['export', 'runs/colours/last.safetensors', '--format', 'pth', '--json'])).stdout)).toMatchObject({ optimizer: true })
    expect(json((await cli(['inspect', 'runs/colours/last.pth', '--json'])).stdout)).toMatchObject({ kind: 'pth', metadata: { keys: ['state_dict', 'optimizer'] }, fits: { variant: 'regnet_y_400mf', classes: 3 } })
    expect(await cli(['export', 'runs/colours/last.safetensors', '--format', 'pth', '--fp16', '--output', 'half.pth'])).toMatchObject({ code: 2, stderr: expect.stringContaining('without an optimizer') })
  })

  test('weights are listed, and what is not there is said with what to do', async () => {
    const env = { ...process.env, TORCH_HOME: at('hub'), TORCHGRAFT_WEIGHTS_MIRROR: await deadUrl() }
    const listed = json((await cli(['weights', '--json'], { env })).stdout) as { name: string; onDisk: boolean }[]
    expect(listed).toHaveLength(34)
    expect(listed.every(({ onDisk }) => !onDisk)).toBe(true)
    expect((await cli(['weights'], { env })).stdout).toMatch(/regnet_y_16gf-imagenet1k_v1 +335 MB {2}80\.4 %\n/)
    expect(await cli(['weights', 'pull', 'regnet_y_400mf-imagenet1k_v2'], { env })).toMatchObject({ code: 1, stderr: expect.stringMatching(/could not be reached .*place it as .*hub\/hub\/checkpoints\/regnet_y_400mf-e6988f5f\.pth/) })
    expect(await cli(['weights', 'pull', 'nothing'], { env })).toMatchObject({ code: 1, stderr: expect.stringContaining('There are no weights "nothing"') })
    // A little of a large file, and then nothing.
    await using server = await serve((_, response) => response.writeHead(200, { 'content-length': 17_000_000 }).write(Buffer.alloc(2_000_000)))
    const mirror = { ...env, TORCHGRAFT_WEIGHTS_MIRROR: server.url }
    const cut = await cli(['weights', 'pull', 'regnet_y_400mf-imagenet1k_v2'], { env: mirror, onOutput: (_, stderr, kill) => void (stderr.includes('MB') && kill('SIGINT')) })
    expect(cut).toMatchObject({ code: 130, stderr: expect.stringContaining('What has arrived is kept') })
    expect(await readdir(at('hub/hub/checkpoints'))).toEqual(['regnet_y_400mf-e6988f5f.pth.part'])
    const missing = await cli(['train', 'colours', '--weights', 'regnet_y_400mf-imagenet1k_v1', '--output', 'never', ...SMALL], { env })
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/not on this disk \(17\.6 MB\): run "torchgraft weights pull regnet_y_400mf-imagenet1k_v1", or place the file as/) })
  })
})
