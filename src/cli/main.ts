import { Command, CommanderError } from 'commander'
import { TorchgraftError } from '../errors.js'
import { examine } from '../native/doctor.js'
import { runSetUp } from '../native/first-use.js'
import { VERSION } from '../version.js'
import { tolerateClosedPipes } from './closed-pipes.js'
import { EXIT, jsonOption, type Streams } from './command.js'
import { doctorText } from './doctor.js'
import { evaluateCommand } from './evaluate.js'
import { exportCommand, inspectCommand } from './model-files.js'
import { overfitCommand } from './overfit.js'
import { predictCommand } from './predict.js'
import { previewCommand } from './preview.js'
import { statsCommand } from './stats.js'
import { summaryCommand } from './summary.js'
import { trainCommand } from './train.js'
import { weightsCommand } from './weights.js'

/** Runs a command line, without the program's name, and gives its exit code. */
export async function main(argv: readonly string[], streams: Streams = process): Promise<number> {
  if (streams === process) tolerateClosedPipes(process)
  let code: number = EXIT.done
  const program = makeProgram(streams, (result) => (code = result))
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage // it has told already
    return fail(error, argv.includes('--json'), streams)
  }
}

export function makeProgram(streams: Streams, exit: (code: number) => void): Command {
  const program = new Command('torchgraft')
    .description('Fine-tunes image classifiers in Node.js, on libtorch.')
    .version(VERSION)
    .helpCommand(false)
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (the run is saved).')
    .addCommand(trainCommand(streams, exit))
    .addCommand(evaluateCommand(streams, exit))
    .addCommand(predictCommand(streams, exit))
    .addCommand(statsCommand(streams, exit))
    .addCommand(previewCommand(streams, exit))
    .addCommand(overfitCommand(streams, exit))
    .addCommand(summaryCommand(streams, exit))
    .addCommand(inspectCommand(streams, exit))
    .addCommand(exportCommand(streams, exit))
    .addCommand(weightsCommand(streams, exit))
    .addCommand(doctorCommand(streams, exit))
    .addCommand(setupCommand())
  for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
      getOutHelpWidth: () => Math.min(streams.stdout.columns ?? 80, 100),
      getErrHelpWidth: () => Math.min(streams.stderr.columns ?? 80, 100),
    })
  }
  return program
}

function doctorCommand({ stdout }: Streams, exit: (code: number) => void): Command {
  return new Command('doctor')
    .summary('which libtorch, which devices, what to do')
    .description('Tells which libtorch was found and where it was looked for, what there is to\ncompute on, and what to do where something is missing.')
    .addOption(jsonOption())
    .action(({ json = false }: { readonly json?: boolean }) => {
      const report = examine()
      stdout.write(json ? `${JSON.stringify(report)}\n` : doctorText(report))
      exit(report.ok ? EXIT.done : EXIT.failed)
    })
}

function setupCommand(): Command {
  return new Command('setup')
    .summary('fetch libtorch and build the addon now')
    .description('Fetches libtorch and builds the addon where they are missing: what the first use\nof an installed package would do. TORCHGRAFT_LIBTORCH=cpu or cuda chooses the build.')
    .action(runSetUp)
}

function fail(error: unknown, json: boolean, { stdout, stderr }: Streams): number {
  if (!(error instanceof TorchgraftError)) {
    stderr.write(`torchgraft: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return EXIT.failed
  }
  const { code, message, path } = error
  if (json) stdout.write(`${JSON.stringify({ error: { code, message, ...(path !== undefined && { path }) } })}\n`)
  else stderr.write(`torchgraft: ${message}\n`)
  return code === 'ERR_ARGUMENT' ? EXIT.usage : EXIT.failed
}
