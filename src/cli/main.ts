import { Command, CommanderError } from 'commander'
import { TorchgraftError } from '../errors.js'
import { printable } from '../text/format.js'
import { prose } from '../text/prose.js'
import { safeTerminal } from '../text/safe-terminal.js'
import { packageVersion } from '../package.js'
import { tolerateClosedPipes } from './closed-pipes.js'
import { EXIT, jsonOption, type Streams } from './command.js'
import { messageOf } from './option-names.js'

const EXIT_CODES = '\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (the run is saved).'

type MakeCommand = (streams: Streams, exit: (code: number) => void) => Command

/** In the help's order. A command's own modules, and what they need, are loaded when it is asked for. */
const COMMANDS: ReadonlyMap<string, () => Promise<MakeCommand>> = new Map([
  ['train', async () => (await import('./commands/train.js')).trainCommand],
  ['evaluate', async () => (await import('./commands/evaluate.js')).evaluateCommand],
  ['predict', async () => (await import('./commands/predict.js')).predictCommand],
  ['stats', async () => (await import('./commands/stats.js')).statsCommand],
  ['preview', async () => (await import('./commands/preview.js')).previewCommand],
  ['overfit', async () => (await import('./commands/overfit.js')).overfitCommand],
  ['summary', async () => (await import('./commands/summary.js')).summaryCommand],
  ['inspect', async () => (await import('./commands/inspect.js')).inspectCommand],
  ['export', async () => (await import('./commands/export.js')).exportCommand],
  ['weights', async () => (await import('./commands/weights.js')).weightsCommand],
  ['doctor', () => Promise.resolve(doctorCommand)],
  ['setup', () => Promise.resolve(setupCommand)],
])

/** Runs a command line, without the program's name, and gives its exit code. */
export async function main(argv: readonly string[], streams: Streams = process): Promise<number> {
  if (streams === process) tolerateClosedPipes(process)
  let code: number = EXIT.done
  const stdin = streams === process ? undefined : streams.stdin
  const safe: Streams = { ...(stdin && { stdin }), stdout: safeTerminal(streams.stdout), stderr: safeTerminal(streams.stderr) }
  let command: Command | undefined
  const program = await makeProgram(safe, (result) => (code = result), argv[0])
  program.hook('preAction', (_, running) => void (command = running))
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage // commander has written its message
    return fail(error, argv.includes('--json'), safe, command)
  }
}

/** The program with the one command that is wanted, or with all of them. */
export async function makeProgram(streams: Streams, exit: (code: number) => void, wanted?: string): Promise<Command> {
  const program = new Command('torchgraft')
    .description('Fine-tunes image classifiers in Node.js, on libtorch.')
    .version(packageVersion())
    .helpCommand(false)
    .addHelpText('after', () => prose(EXIT_CODES, streams.stdout))
  const one = wanted === undefined ? undefined : COMMANDS.get(wanted)
  for (const load of one ? [one] : COMMANDS.values()) program.addCommand((await load())(streams, exit))
  for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) {
    command.exitOverride().configureHelp({ minWidthToWrap: 10 }).configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(prose(text, streams.stderr)),
      outputError: (text, write) => write(usageError(text)),
      getOutHelpWidth: () => Math.min(streams.stdout.columns || 80, 100),
      getErrHelpWidth: () => Math.min(streams.stderr.columns || 80, 100),
    })
  }
  return program
}

const DOCTOR = 'Tells which libtorch was found and where it was looked for, which devices there are, and what to do where something is missing.'
const SETUP = [
  'Fetches libtorch and builds the addon where they are missing, as the first use of an installed package does.',
  'The variable TORCHGRAFT_LIBTORCH, cpu or cuda, chooses the build of libtorch.',
].join(' ')

function doctorCommand({ stdout }: Streams, exit: (code: number) => void): Command {
  return new Command('doctor')
    .summary('which libtorch, which devices, what to do')
    .description(DOCTOR)
    .addOption(jsonOption())
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const [{ examine }, { doctorText }] = await Promise.all([import('../addon/doctor.js'), import('./commands/doctor.js')])
      const report = examine()
      stdout.write(json ? `${JSON.stringify(report)}\n` : doctorText(report, stdout))
      exit(report.ok ? EXIT.done : EXIT.failed)
    })
}

function setupCommand(): Command {
  return new Command('setup')
    .summary('fetch libtorch and build the addon now')
    .description(SETUP)
    .action(async () => (await import('../addon/first-use.js')).runSetUp())
}

/** A message of commander's: what the user typed stays on one line, a suggestion has its own. */
function usageError(text: string): string {
  const [, message = '', hint = ''] = /^(.*?)(\n\(Did you mean [^\n]*\?\))?\n?$/s.exec(text) ?? []
  return `${printable(message)}${hint}\n`
}

function fail(error: unknown, json: boolean, { stdout, stderr }: Streams, command: Command | undefined): number {
  if (!(error instanceof TorchgraftError)) {
    stderr.write(`torchgraft: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return EXIT.failed
  }
  const { code, path } = error
  const message = messageOf(error, command)
  if (json) stdout.write(`${JSON.stringify({ error: { code, message, ...(path !== undefined && { path }) } })}\n`)
  else {
    const shown = code === 'ERR_ADDON' ? message : printable(message) // a build that failed shows lines of its log
    stderr.write(`${prose(`torchgraft: ${shown}`, stderr)}\n`)
  }
  return code === 'ERR_ARGUMENT' ? EXIT.usage : EXIT.failed
}
