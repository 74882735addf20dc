import { Command, Option } from 'commander'
import { summarize, type SummarizeOptions } from '../../inference/summarize.js'
import { modelSummaryText } from '../../report/model-summary.js'
import { EXIT, given, jsonOption, number, type Streams } from '../command.js'

type SummaryFlags = Omit<SummarizeOptions, 'model'> & { readonly json?: boolean }

const DESCRIPTION = [
  'Prints what torchsummary prints in Python: each layer of MODEL with its output shape and parameters, and the memory that a forward and',
  'backward pass takes. The model is not run, and no weights are loaded.',
].join(' ')

export function summaryCommand({ stdout }: Streams, exit: (code: number) => void): Command {
  return new Command('summary')
    .summary('layers of a model, their shapes and parameters')
    .description(DESCRIPTION)
    .argument('<model>', 'model file (.safetensors, .pth), run folder, or a name such as regnet_y_16gf')
    .addOption(new Option('--size <px>', 'height and width of the images (default: what the file says, else 224)').argParser(number))
    .addOption(new Option('--classes <n>', 'classes of a model that is given by name (default 1000)').argParser(number))
    .addOption(new Option('--batch-size <n>', 'first number of the shapes (default -1: left open)').argParser(number))
    .addOption(jsonOption())
    .action(async (model: string, { json = false, ...flags }: SummaryFlags) => {
      const found = await summarize({ model, ...given(flags) })
      stdout.write(json ? `${JSON.stringify(found)}\n` : modelSummaryText(found))
      exit(EXIT.done)
    })
}
