/** The variable that names the launcher's process to the ranks that it starts. */
export const LAUNCHER = 'TORCHGRAFT_LAUNCHER'

/** What a rank tells its launcher before it ends because of another one. */
export interface FailureReport {
  readonly message: string
}

/** After its launcher is gone a rank has so long to finish its step and save. */
const END_WITHIN_MS = 8_000

/** Whether `torchgraft` started this very process as one of several ranks. */
export function isLaunched(env: NodeJS.ProcessEnv = process.env): boolean {
  return process.send !== undefined && env[LAUNCHER] === String(process.ppid)
}

/** Ends this process when its launcher's has ended, however that was: as by SIGTERM, and soon after in any case. */
export function endWithLauncher(): void {
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), END_WITHIN_MS).unref()
    process.kill(process.pid, 'SIGTERM')
  })
  process.channel?.unref() // the channel alone keeps no process alive
}

/** Leaves it to the launcher to say why this rank ends. */
export function reportToLauncher(told: FailureReport): Promise<void> {
  return new Promise((resolve) => process.send?.(told, () => resolve()))
}
