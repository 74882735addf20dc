import { Command, Option } from 'commander'
import { EXPORT_FORMATS, exportModel, type ExportOptions, type ExportResult } from '../../inference/export-model.js'
import { fileSize, printable } from '../../text/format.js'
import { prose } from '../../text/prose.js'
import { shellWord } from '../../text/shell-word.js'
import { EXIT, given, jsonOption, type Streams } from '../command.js'
import { classesOption, readClasses, sizeOption } from '../foreign-files.js'

interface ExportFlags extends Omit<ExportOptions, 'model' | 'classes'> {
  readonly classes?: string
  readonly json?: boolean
}

const DESCRIPTION = `Writes MODEL for other programs.
  pth          a state_dict as torchvision has it; of a last.safetensors file
               { state_dict, optimizer }, to continue training in PyTorch
  safetensors  the same weights
  onnx         pixels in, probabilities out, for onnxruntime and others
  web          a folder for any static host: a page that runs the model`

export function exportCommand(streams: Streams, exit: (code: number) => void): Command {
  return new Command('export')
    .summary('write a model as .pth, .safetensors, ONNX or a web page')
    .description(DESCRIPTION)
    .argument('<model>', 'model file, such as runs/NAME/best.safetensors, or a run folder')
    .addOption(new Option('--format <format>', 'format to write').choices(EXPORT_FORMATS).makeOptionMandatory())
    .option('--output <path>', 'file to write, or folder for web (default: the name of MODEL with the new ending)')
    .option('--fp16', 'write weights in half precision, for half the size')
    .addOption(classesOption())
    .addOption(sizeOption())
    .addOption(jsonOption())
    .action(async (model: string, flags: ExportFlags) => exit(await runExport(model, flags, streams)))
}

async function runExport(model: string, flags: ExportFlags, { stdout, stderr }: Streams): Promise<number> {
  const { json = false, classes, ...options } = flags
  const result = await exportModel({ model, ...given({ ...options, classes: await readClasses(classes) }) })
  for (const note of result.notes) stderr.write(`${prose(printable(note), stderr)}\n`)
  stdout.write(json ? `${JSON.stringify(result)}\n` : text(result, options.format))
  return EXIT.done
}

function text({ file, bytes, optimizer }: ExportResult, format: ExportOptions['format']): string {
  const hint = format === 'web' ? `Put it on any static host, or try it here: npx http-server ${shellWord(file)}\n` : ''
  return `${printable(file)}  ${fileSize(bytes)}${optimizer ? ', with the optimizer' : ''}\n${hint}`
}
