import { spawnSync } from 'node:child_process'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readModelFile } from '../../../src/runs/model-file.js'
import { ROOT } from '../../helpers/processes/child.js'
import { trainColours, workFolder } from '../../helpers/work-folder.js'

const work = workFolder()
const { at, cli } = work
trainColours(work)
const json = (text: string): unknown => JSON.parse(text) as unknown

describe('torchgraft evaluate', () => {
  test('leaves out what the model was trained on, while its run folder tells', async () => {
    const end = await cli(['evaluate', 'runs/colours/best.safetensors', 'colours', '--json', '--precision', 'fp32', '--threads', '1'])
    expect(end.code).toBe(0)
    const { metadata } = await readModelFile(at('runs/colours/best.safetensors'))
    expect(json(end.stdout)).toMatchObject({ count: 6, leftOut: 36, top1: metadata.metrics?.top1, classes: [{ label: 'blue', count: 2 }, { label: 'green', count: 2 }, { label: 'red', count: 2 }] })
    expect((json(end.stdout) as { loss: number }).loss).toBeCloseTo(metadata.metrics!.loss, 5)
    expect(json((await cli(['evaluate', 'runs/colours/best.safetensors', 'colours', '--all', '--json'])).stdout)).toMatchObject({ count: 42, leftOut: 0 })
  })

  test('says where it cannot tell, and refuses classes that the model does not know', async () => {
    await mkdir(at('alone'))
    await cp(at('runs/colours/best.safetensors'), at('alone/model.safetensors'))
    const alone = await cli(['evaluate', 'alone/model.safetensors', 'colours'])
    expect(alone).toMatchObject({ code: 0, stdout: expect.stringContaining('There is no split.json beside the model') })
    expect(alone.stdout).toMatch(/^blue +\d+ of 14/m)
    await mkdir(at('strange'))
    await cp(at('colours/red'), at('strange/purple'), { recursive: true })
    expect(await cli(['evaluate', 'alone/model.safetensors', 'strange'])).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown classes: purple') })
  })

  test('a damaged model is refused', async () => {
    const bytes = await readFile(at('runs/colours/best.safetensors'))
    bytes[bytes.length - 9]! ^= 4
    await writeFile(at('damaged.safetensors'), bytes)
    expect(json((await cli(['evaluate', 'damaged.safetensors', 'colours', '--json'])).stdout)).toMatchObject({ error: { code: 'ERR_FILE_CHECKSUM', path: 'damaged.safetensors' } })
  })
})

describe('torchgraft predict', () => {
  const model = 'runs/colours/best.safetensors'

  test('gives a line an image, in the order given; folders are gone through', async () => {
    const end = await cli(['predict', model, 'colours/red/1.png', 'colours/blue', '--top-k', '2'])
    expect(end.code).toBe(0)
    const lines = end.stdout.trim().split('\n')
    expect(lines).toHaveLength(15)
    expect(lines[0]).toMatch(/^colours\/red\/1\.png {2}\w+ [\d.]+ %, \w+ [\d.]+ %$/)
  })

  test('as JSON, probabilities sum to 1; one that cannot be read has its error, and the exit code says so', async () => {
    await writeFile(at('no,"image".jpg'), 'x')
    const end = await cli(['predict', model, 'colours/red/1.png', 'no,"image".jpg', 'nothing.jpg', 'colours/green/2.png', '--json'])
    expect(end.code).toBe(1)
    const results = json(end.stdout) as { image: string; predictions?: { probability: number }[]; error?: { code: string } }[]
    expect(results.map(({ image, error }) => [image, error?.code])).toEqual([['colours/red/1.png', undefined], ['no,"image".jpg', 'ERR_IMAGE_DECODE'], ['nothing.jpg', 'ERR_IMAGE_DECODE'], ['colours/green/2.png', undefined]])
    expect(results[0]?.predictions?.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5)
    const csv = await cli(['predict', model, 'colours/red/1.png', '--csv', '--top-k', '1'])
    expect(csv.stdout).toMatch(/^image,label,probability\ncolours\/red\/1\.png,\w+,0\.\d+\n$/)
  })
})

test.each([['stdout', '| head -n 1'], ['stderr too', '2>&1 | head -n 1']])('a reader that closes %s early is no error', async (_, pipe) => {
  const command = `"${process.execPath}" "${join(ROOT, 'scripts/torchgraft.mjs')}" predict runs/colours/best.safetensors colours colours ${pipe}`
  const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], { cwd: at(), encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout.trim().split('\n')).toHaveLength(1)
})
