import type { Holder } from '../checkpoints/run-lock.js'
import { percent, printable } from '../report/format.js'
import type { RunStanding } from '../train/run-standing.js'
import { tellPosition } from '../train/saved-position.js'

/** Where a run stands, for people. */
export function standingText({ epochs, saved, told, best, holder, resume }: RunStanding): string[] {
  const of = epochs === null ? '' : ` of ${epochs}`
  const ahead = told && (told.epoch > (saved?.epoch ?? 0) || (told.epoch === (saved?.epoch ?? 0) && told.step > (saved?.step ?? 0)))
  const rows: [string, string][] = [
    ['saved', saved ? `${tellPosition(saved)}${of}, in ${saved.file}` : 'nothing yet'],
    ...(ahead ? [['told', `${tellPosition(told)}: what was not saved is done again`] as [string, string]] : []),
    ['best so far', best ? `epoch ${best.epoch}: top-1 ${percent(best.metrics.top1)}, loss ${best.metrics.loss.toFixed(4)}` : 'none'],
    ['held by', heldBy(holder)],
    ['--resume', resume.says],
  ]
  return rows.map(([name, value]) => `${name.padEnd(14)} ${printable(value)}`)
}

function heldBy(holder: Holder | null): string {
  if (!holder) return 'nobody'
  const name = `process ${holder.pid ?? '?'}`
  switch (holder.life) {
    case 'alive':
      return name
    case 'dead':
      return `${name}, which is gone`
    case 'unknown':
      return `${name} on ${holder.host}, which may be gone`
  }
}
