import type { Holder } from '../runs/run-lock.js'
import { percent, printable } from '../text/format.js'
import type { RunStatus } from '../train/resume/status.js'
import { describePosition } from '../runs/saved-position.js'

/** How far a run has come, as rows of a table for people. */
export function statusRows({ epochs, saved, logged, best, holder, resume }: RunStatus): (readonly [name: string, value: string])[] {
  const of = epochs === null ? '' : ` of ${epochs}`
  const rows: [string, string][] = [
    ['saved', saved ? `${describePosition(saved)}${of}, in ${saved.file}` : 'nothing yet'],
    ...(logged && isAhead(logged, saved) ? [['logged', `${describePosition(logged)}: what was not saved will be done again`] as [string, string]] : []),
    ['best so far', best ? `epoch ${best.epoch}: top-1 ${percent(best.metrics.top1)}, loss ${best.metrics.loss.toFixed(4)}` : 'none'],
    ['locked by', lockedBy(holder)],
    ['--resume', resume.says],
  ]
  return rows.map(([name, value]) => [name, printable(value)])
}

interface EpochAndStep {
  readonly epoch: number
  readonly step: number
}

/** Whether the log has gone further than what is on disk. */
function isAhead(logged: EpochAndStep, saved: EpochAndStep | null): boolean {
  const { epoch, step } = saved ?? { epoch: 0, step: 0 }
  return logged.epoch > epoch || (logged.epoch === epoch && logged.step > step)
}

function lockedBy(holder: Holder | null): string {
  if (!holder) return 'no process'
  const name = `process ${holder.pid ?? '?'}`
  switch (holder.life) {
    case 'alive':
      return name
    case 'dead':
      return `${name}, which no longer runs`
    case 'unknown':
      return `${name} on ${holder.host}, which may no longer run`
  }
}
