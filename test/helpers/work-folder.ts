import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeImages } from './images/image-folder.js'
import { type ChildEnd, type ChildOptions, runCli } from './processes/child.js'

/** Small and quick: for what does not ask how good the model gets. */
export const SMALL = ['--size', '32', '--batch-size', '8', '--device', 'cpu', '--precision', 'fp32', '--threads', '1']

/** Learns enough that each epoch may be the best, and saves often. */
export const FOUR_EPOCHS = [
  '--epochs', '4', '--lr', '0.003', '--val', '0.3', '--size', '96', '--batch-size', '8',
  '--device', 'cpu', '--precision', 'fp32', '--threads', '1',
]

export interface WorkFolder {
  /** A path in the folder. */
  readonly at: (...path: string[]) => string
  /** The command line, as built, run there. */
  readonly cli: (args: readonly string[], options?: ChildOptions) => Promise<ChildEnd>
  /** What a run has logged. */
  readonly events: (run: string) => Promise<Record<string, unknown>[]>
}

/** Runs a file's tests in a folder with `colours`: 14 images for each of three classes. */
export function workFolder(): WorkFolder {
  let folder = ''
  const at = (...path: string[]): string => join(folder, ...path)
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'torchgraft-e2e-'))
    await chmod(folder, 0o755) // for another user, whom some tests ask
    await makeImages(at('colours'), 14)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return {
    at,
    cli: (args, options = {}) => runCli(args, { cwd: folder, ...options }),
    events: async (run) => {
      const lines = (await readFile(at(run, 'events.jsonl'), 'utf8')).trim().split('\n')
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    },
  }
}

/** A run of three epochs in `runs/colours`, for tests of what comes after training. */
export function trainColours({ cli }: WorkFolder): void {
  beforeAll(async () => {
    expect((await cli(['train', 'colours', '--epochs', '3', '--lr', '0.003', ...SMALL])).code).toBe(0)
  })
}

/** Acts once, when the line of an epoch has been told. */
export function afterEpoch(epoch: number, act: (kill: (signal: NodeJS.Signals) => void) => void): NonNullable<ChildOptions['onOutput']> {
  let done = false
  return (_, stderr, kill) => {
    if (done || !new RegExp(`^ {4}${epoch} `, 'm').test(stderr)) return
    done = true
    act(kill)
  }
}

/** What a run's `config.json` holds, as far as tests change it. */
export interface EditableConfig {
  data: string
  mean: unknown
  threads: unknown
  options: Record<string, unknown>
}

/** Changes a run's `config.json`: in place, or to the text that `change` gives. */
export async function editConfig(path: string, change: (config: EditableConfig) => unknown): Promise<void> {
  const config = JSON.parse(await readFile(path, 'utf8')) as EditableConfig
  const text = change(config)
  await writeFile(path, typeof text === 'string' ? text : JSON.stringify(config))
}

/** The last line on stderr: the error, where there is one. */
export const lastLine = ({ stderr }: ChildEnd): string => stderr.trim().split('\n').at(-1) ?? ''
