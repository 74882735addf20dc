import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { TorchgraftError } from '../../errors.js'
import { cut } from '../../text/columns.js'
import { percent, printable } from '../../text/format.js'
import { CLEAR_LINE } from '../../text/safe-terminal.js'
import { prose } from '../../text/prose.js'
import { catalogue, type CatalogueEntry, fileOf, findInCatalogue, hubFolder } from '../../models/weights/catalogue.js'
import { SHIPPED_WEIGHTS } from '../../models/catalogue.js'
import { knownHash } from '../../models/weights/check-weights.js'
import { pullWeights } from '../../models/weights/pull.js'
import { EXIT, jsonOption, type Streams } from '../command.js'
import { interruptible } from '../interrupt.js'

const DESCRIPTION = [
  `Lists the pretrained weights that --weights takes by name. They are torchvision's, from ImageNet-1k, and are kept where PyTorch keeps`,
  'them: in hub/checkpoints of TORCH_HOME, else of ~/.cache/torch.',
].join(' ')

export function weightsCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('weights')
    .summary('list pretrained weights, or fetch them')
    .description(DESCRIPTION)
    .addOption(jsonOption())
    .action(({ json = false }: { readonly json?: boolean }) => {
      streams.stdout.write(json ? `${JSON.stringify(catalogue().map(toJson))}\n` : listText())
      exit(EXIT.done)
    })
    .addCommand(pullCommand(streams, exit))
}

function toJson(entry: CatalogueEntry) {
  const file = fileOf(entry)
  return { ...entry, file, onDisk: existsSync(file), sha256: knownHash(entry) ?? null }
}

function pullCommand({ stdout, stderr }: Streams, exit: (code: number) => void): Command {
  return new Command('pull')
    .description('Fetches weights by name into PyTorch’s cache, and checks them. A download that was cut off is continued.')
    .argument('<names...>', 'names that "torchgraft weights" lists')
    .action(async (names: string[]) => {
      const entries = names.map((name) => findInCatalogue(name) ?? unknown(name))
      try {
        for (const entry of entries) await pull(entry, { stdout, stderr })
        exit(EXIT.done)
      } catch (error) {
        if (!(error instanceof DOMException && error.name === 'AbortError')) throw error
        stderr.write('Interrupted. What has arrived is kept: run it again to continue.\n')
        exit(EXIT.interrupted)
      }
    })
}

async function pull(entry: CatalogueEntry, { stdout, stderr }: Streams): Promise<void> {
  if (isNonCommercial(entry)) stderr.write(`${prose(`${entry.name} comes with terms: ${entry.licence}.`, stderr)}\n`)
  const { file, fetched, sha256, known } = await interruptible(
    (signal) => pullWeights(entry, { signal, onProgress: progress(stderr, entry.name) }),
    () => stderr.write('\n'),
  )
  if (stderr.isTTY) stderr.write(CLEAR_LINE)
  stdout.write(`${printable(file)}${fetched ? '' : '  (already there)'}\n`)
  if (!known) stderr.write(`${prose(`Its SHA-256 is ${sha256}. ${PREFIX_TEXT}`, stderr)}\n`)
}

/** A live line on a terminal; elsewhere a line for each tenth. */
function progress(stderr: Streams['stderr'], name: string): (received: number, total: number | undefined) => void {
  let shown = -1
  return (received, total) => {
    const share = total === undefined ? undefined : received / total
    const step = Math.floor(share === undefined ? received / 1e7 : share * (stderr.isTTY ? 100 : 10))
    if (step === shown) return
    shown = step
    const line = `${name}: ${(received / 1e6).toFixed(0)} MB${share === undefined ? '' : `, ${Math.floor(share * 100)} %`}`
    stderr.write(stderr.isTTY ? `${CLEAR_LINE}${cut(line, (stderr.columns || 80) - 1)}` : `${line}\n`)
  }
}

function listText(): string {
  return [
    'Included in torchgraft:',
    ...Object.values(SHIPPED_WEIGHTS),
    '',
    `${'To fetch, from ImageNet-1k'.padEnd(NAMES)}    size   top-1`,
    ...catalogue().map(row),
    '',
    '* CC-BY-NC-4.0: for non-commercial use only.',
    'Each is checked by the first 8 digits of its SHA-256, which are all that PyTorch',
    'publishes: they rule out damage, not a forgery. A file that was fetched once is',
    'checked by all 64 from then on.',
    `They are kept in ${printable(hubFolder())}`,
    '',
  ].join('\n')
}

/** Columns of the names in the list. */
const NAMES = 44

function row(entry: CatalogueEntry): string {
  const size = `${entry.megabytes.toFixed(0).padStart(5)} MB`
  const marks = `${existsSync(fileOf(entry)) ? '  on disk' : ''}${isNonCommercial(entry) ? ' *' : ''}`
  return `${entry.name.padEnd(NAMES)} ${size}  ${percent(entry.top1).padStart(6)}${marks}`
}

function isNonCommercial({ licence }: CatalogueEntry): boolean {
  return licence.startsWith('CC-BY-NC')
}

const PREFIX_TEXT = [
  'PyTorch publishes its first 8 digits alone, in the name: they rule out damage, not a forgery.',
  'All of it was kept, and is checked from now on.',
].join(' ')

function unknown(name: string): never {
  throw new TorchgraftError('ERR_WEIGHTS_MISSING', `There are no weights ${JSON.stringify(name)}: "torchgraft weights" lists the names`)
}
