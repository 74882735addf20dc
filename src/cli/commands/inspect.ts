import { Command } from 'commander'
import { describeTensor, elements } from '../../formats/tensor.js'
import { type Inspection, inspectFile } from '../../inference/inspect.js'
import { fileSize, printable } from '../../text/format.js'
import { plural } from '../../text/plural.js'
import { prose, proseRows, type Width } from '../../text/prose.js'
import { type RunStatus, runStatus } from '../../train/resume/status.js'
import { EXIT, jsonOption, type Streams } from '../command.js'
import { statusRows } from '../status.js'

const DESCRIPTION = 'Tells what is in a .safetensors, .pth or .onnx file, or in a run folder: how far the run has come, and what --resume would do.'

export function inspectCommand({ stdout }: Streams, exit: (code: number) => void): Command {
  return new Command('inspect')
    .summary('what is in a model file or a run folder')
    .description(DESCRIPTION)
    .argument('<file>', 'file or run folder')
    .addOption(jsonOption())
    .action(async (file: string, { json = false }: { readonly json?: boolean }) => {
      const found = await inspectFile(file)
      const status = found.kind === 'run' ? await runStatus(file) : undefined
      stdout.write(json ? `${JSON.stringify({ ...found, ...(status && { standing: status }) })}\n` : text(found, status, stdout))
      exit(EXIT.done)
    })
}

/** Columns of the names in the tables below. */
const NAMES = 14
const FILE_NAMES = 28

function text(inspection: Inspection, status: RunStatus | undefined, stream: Width): string {
  const { kind, model, metadata, tensors, bytes, files = [] } = inspection
  const rows = Object.entries(metadata)
    .filter(([key]) => key !== 'model')
    .map(([key, value]) => [printable(key), printable(short(value))] as const)
  return [
    `${kind}, ${fileSize(bytes)}${model === null ? '' : `, ${printable(model)}`}`,
    ...(status ? [...proseRows(statusRows(status), NAMES, stream), ''] : []),
    ...proseRows(rows, NAMES, stream),
    ...files.map((file) => `${printable(file.name).padEnd(FILE_NAMES)} ${fileSize(file.bytes)}`),
    ...(tensors.length > 0 ? ['', ...tensorLines(inspection, stream)] : []),
    '',
  ].join('\n')
}

function tensorLines({ kind, tensors, fits, nearest }: Inspection, stream: Width): string[] {
  const nothing = `Fits no RegNet of torchvision${nearest === null ? ', as far as can be told here' : `: ${printable(nearest)}`}.`
  const fit = fits ? `Fits ${fits.variant} with ${plural(fits.classes, 'class', 'classes')}.` : nothing
  const numbers = tensors.reduce((sum, { shape }) => sum + elements(shape), 0)
  return [
    ...(kind === 'onnx' ? [] : [prose(fit, stream)]),
    `${plural(tensors.length, 'tensor')}, ${plural(numbers, 'element')}:`,
    ...tensors.map((tensor) => prose(`  ${printable(tensor.name)}  ${describeTensor(tensor)}`, stream, 2)),
  ]
}

/** A value of the metadata, on one line. */
function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 64 ? `${text.slice(0, 63)}…` : text
}
