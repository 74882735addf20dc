import type { Command } from 'commander'
import { messageFor, type NameOption, type TorchgraftError } from '../errors.js'

/** What the library calls otherwise than the command line. */
const OTHER_NAMES: Readonly<Record<string, string>> = { saveEveryMinutes: 'saveEvery', file: 'model', image: 'images' }

/** An error's message with options as the command has them: flags, and arguments as the help shows them. */
export function messageOf(error: TorchgraftError, command: Command | undefined): string {
  const message = command ? messageFor(error, (name, value) => nameIn(command, name, value)) : error.message
  return message.replace(/ but received undefined$/, ' but received nothing')
}

const nameIn = (command: Command, ...[asked, value]: Parameters<NameOption>): string => {
  const [, root = asked, part = ''] = /^(\w+)(?:\.|(?=\[))(.+)$/.exec(asked) ?? []
  if (part !== '') return `${nameIn(command, root)} (${part})`
  const name = OTHER_NAMES[asked] ?? asked
  const option = command.options.find((each) => each.attributeName() === name && each.negate === (value === false))
  if (option) return [option.long, ...(typeof value === 'string' ? [value] : value === null ? ['none'] : [])].join(' ')
  return command.registeredArguments.some((each) => each.name() === name) ? name.toUpperCase() : asked
}
