import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { parseArguments, UsageError } from '../../../bench/harness/arguments.mjs'
import { drawChart } from '../../../bench/report/chart.mjs'
import { freeName, resultName, writeResult } from '../../../bench/report/results-file.mjs'
import { makeRow } from '../../../bench/report/row.mjs'
import { drawScaleChart } from '../../../bench/report/scale-chart.mjs'
import { formatHead, formatRow, significant, WIDTH } from '../../../bench/report/table.mjs'
import type { Report } from '../../../bench/types.d.mts'

const machine = { processor: 'AMD EPYC 7763 <64-Core> Processor', features: ['avx2'], cores: 2, memory: 24 * 2 ** 30, load: 0 }
const long = 'a reason that goes on and on, as reasons do that come from other programs, and does not stop where a line would end'
const slow = makeRow({ name: 'predict-cold', model: 'regnet_y_400mf', params: { batch: 1, size: 224, precision: 'fp32', threads: 2 }, unit: 's', better: 'lower', leftOut: { compiled: long }, how: { tuned: long }, same: [long], note: `${long} ${'x'.repeat(100)}` }, { torchgraft: [0.51234, 0.4], notebook: [4.2], onnxruntime: [0.61] })
const plain = makeRow({ name: 'scale', model: null, params: { images: 1_000_000 }, unit: 'images/CPU-second', better: 'lower', extra: true }, { torchgraft: [123456.7] })
const report: Report = { date: '2026-03-01T10:00:00.000Z', quick: false, data: 'samples/campus', machine, versions: { torchgraft: '0.1.0', libtorch: '2.13.0' }, measures: [slow, plain] }

describe('the table', () => {
  test('no line is wider than 80 columns', () => {
    const lines = [...formatHead(report), ...report.measures.flatMap(formatRow)]
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(WIDTH)
    expect(lines.join(' ').replace(/\s+/g, ' ')).toContain(long)
  })

  test('has the best peer, the ratios and who was left out', () => {
    const text = formatRow(slow).join('\n')
    expect(text).toMatch(/onnxruntime \(best\) +0\.61 +0\.61 +0\.61 +1 {2}torchgraft 1\.34 ×/)
    expect(text).toMatch(/notebook .*torchgraft 9\.21 ×/)
    expect(text).toContain('compiled left out: a reason')
  })

  test('says what a machine is held to', () => {
    expect(formatHead({ ...report, machine: { ...machine, heldTo: 'avx2' } })[0]).toBe('AMD EPYC 7763 <64-Core> Processor held to avx2, 2 cores, 24 GiB')
  })

  test('says which GPU was measured, with its driver', () => {
    const gpu = { name: 'NVIDIA H200', driver: '570.86.15', memory: 143_771 * 2 ** 20 }
    const head = formatHead({ ...report, machine: { ...machine, gpu } }).join(' ')
    expect(head).toContain('NVIDIA H200 beside AMD EPYC 7763 <64-Core> Processor, 2 cores, 24 GiB GPU: NVIDIA H200, 140 GiB, driver 570.86.15')
  })

  test('warns of a machine that was busy, and only then', () => {
    expect(formatHead(report).join(' ')).not.toContain('busy')
    expect(formatHead({ ...report, machine: { ...machine, load: 2.5 } }).join(' ')).toContain('busy when the bench began (load 2.5 a core)')
  })

  test.each([[1234.5, '1235'], [99.96, '100.0'], [45.67, '45.7'], [1.2345, '1.23'], [0.01234, '0.012'], [0, '0.00']])('%d is told as %s', (value, expected) => {
    expect(significant(value)).toBe(expected)
  })
})

describe('the chart', () => {
  test('is an image, with a bar to the right of 1 where torchgraft is better', async () => {
    const svg = drawChart(report)
    const { width, height } = await sharp(Buffer.from(svg)).metadata()
    expect([width, height]).toEqual([800, 162])
    expect(svg).toContain('AMD EPYC 7763 &#60;64-Core&#62; Processor')
    const one = Number(/class="one" x1="([\d.]+)"/.exec(svg)?.[1])
    const bar = /<rect class="notebook" x="([\d.]+)" y="7/.exec(svg)
    expect(Number(bar?.[1])).toBeCloseTo(one, 0)
  })

  test('of a GPU names it in its title', () => {
    const svg = drawChart({ ...report, machine: { ...machine, gpu: { name: 'NVIDIA H200', driver: '570', memory: 1 } } })
    expect(svg).toContain('>How many times better torchgraft is on an NVIDIA H200</text>')
  })

  test('leaves out extra rows and those without peers', () => {
    expect(drawChart(report)).not.toContain('>scale<')
    expect(drawChart({ ...report, measures: [{ ...slow, extra: true }] })).not.toContain('>predict-cold<')
  })
})

describe('the chart of scale', () => {
  const scaleRow = (images: number, unit: string, value: number) => makeRow({ name: 'scale', model: null, params: { images }, unit, better: 'lower' }, { torchgraft: [value] })
  const measures = [1000, 100_000].flatMap((images) => [scaleRow(images, 's', images / 5000), scaleRow(images, 'MB', 200 + images / 1000)])

  test('has a point for each number of images, higher where it takes more', async () => {
    const svg = drawScaleChart({ ...report, measures: [slow, ...measures] })
    const heights = [...(svg ?? '').matchAll(/<circle .*?cy="([\d.]+)"/g)].map(([, y]) => Number(y))
    expect(heights).toHaveLength(4)
    expect(heights[1]).toBeLessThan(heights[0]!)
    expect(heights[3]).toBeLessThan(heights[2]!)
    expect((await sharp(Buffer.from(svg!)).metadata()).width).toBe(680)
  })

  test('is not drawn of a single number', () => {
    expect(drawScaleChart(report)).toBeUndefined()
    expect(drawScaleChart({ ...report, measures: measures.slice(0, 2) })).toBeUndefined()
  })
})

describe('result files', () => {
  test.each([
    ['Intel(R) Xeon(R) Platinum 8488C @ 2.40GHz', '2026-03-01-intel-xeon-platinum-8488c'],
    ['AMD EPYC', '2026-03-01-amd-epyc'],
    ['../..', '2026-03-01-unknown'],
  ])('of %s are called %s', (processor, expected) => {
    expect(resultName('2026-03-01T23:59:59.000Z', processor)).toBe(expected)
  })

  test.each([[[], 'a'], [['a'], 'a-2'], [['a', 'a-2', 'a-4'], 'a-3']])('beside %j the next is %s', (taken, expected) => {
    expect(freeName('a', (name) => taken.includes(name))).toBe(expected)
  })

  test('of a GPU are called by its name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'torchgraft-test-'))
    try {
      const gpu = { name: 'NVIDIA H200', driver: '570', memory: 1 }
      const file = await writeResult(folder, { ...report, machine: { ...machine, gpu } }, { chart: '' })
      expect(file).toBe(join(folder, '2026-03-01-nvidia-h200.json'))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('a second run on a day overwrites nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'torchgraft-test-'))
    try {
      await writeResult(folder, report, { chart: 'first' })
      const file = await writeResult(folder, { ...report, quick: true }, { chart: 'second', scaleChart: 'third' })
      const name = resultName(report.date, machine.processor)
      expect((await readdir(folder)).sort()).toEqual([`${name}-2-scale.svg`, `${name}-2.json`, `${name}-2.svg`, `${name}.json`, `${name}.svg`])
      expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify({ ...report, quick: true })))
      expect(await readFile(join(folder, `${name}.svg`), 'utf8')).toBe('first')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

test('the charts that are kept are those of the reports beside them (node bench/by-hand/draw-charts.mjs draws them anew)', async () => {
  const folder = fileURLToPath(new URL('../../../bench/results/', import.meta.url))
  const there = await readdir(folder)
  const reports = there.filter((name) => name.endsWith('.json'))
  expect(reports.length).toBeGreaterThanOrEqual(2)
  const text = (name: string): Promise<string> => readFile(folder + name, 'utf8')
  for (const name of reports) {
    const kept = JSON.parse(await text(name)) as Report
    const scale = name.replace('.json', '-scale.svg')
    expect(drawChart(kept)).toBe(await text(name.replace('.json', '.svg')))
    expect(drawScaleChart(kept)).toBe(there.includes(scale) ? await text(scale) : undefined)
  }
})

describe('the arguments', () => {
  const known = [{ names: ['train-step', 'memory'] }, { names: ['predict-cold', 'evaluate'], onGpu: ['evaluate'] }]

  test('all are taken', () => {
    expect(parseArguments(['--only', 'memory,train-step', '--repeats', '4', '--data', 'photos', '--quick'], known)).toEqual({ only: ['memory', 'train-step'], repeats: 4, data: 'photos', quick: true, device: 'cpu' })
    expect(parseArguments([], known)).toEqual({ only: undefined, repeats: undefined, data: undefined, quick: false, device: 'cpu' })
  })

  test.each([
    ['cuda', 'cuda:0'],
    ['cuda:1', 'cuda:1'],
    ['cpu', 'cpu'],
  ])('--device %s is %s', (typed, device) => {
    expect(parseArguments(['--device', typed, '--only', 'evaluate'], known)).toMatchObject({ device, only: ['evaluate'] })
  })

  test.each([
    [['--only', 'speed'], 'There are train-step, memory, predict-cold, evaluate'],
    [['--device', 'cuda', '--only', 'predict-cold'], 'On a GPU there are train-step, memory, evaluate'],
    [['--device', 'gpu'], 'Expected cpu, cuda or cuda:N for --device but received "gpu"'],
    [['--only', ''], 'There are train-step, memory'],
    [['--repeats', '0'], 'from 1 to 9999'],
    [['--repeats', '2.5'], 'from 1 to 9999'],
    [['--fast'], 'npm run bench -- [--only'],
    [['photos'], 'npm run bench -- [--only'],
  ])('%j is refused, with what to type', (argv, message) => {
    expect(() => parseArguments(argv, known)).toThrow(UsageError)
    expect(() => parseArguments(argv, known)).toThrow(message)
  })
})
