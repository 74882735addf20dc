import { EXIT } from './command.js'

/**
 * A reader that has seen enough, such as `head`, closes its end. Results that nobody reads end the command quietly;
 * progress that nobody reads does not.
 */
export function tolerateClosedPipes({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>): void {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(EXIT.done)
  })
  stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error // EIO: the terminal is gone, and a run is being saved
  })
}
