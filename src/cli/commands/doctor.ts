import type { DoctorReport } from '../../addon/doctor.js'
import { plural } from '../../text/plural.js'
import { printable } from '../../text/format.js'
import { prose, proseRows, type Width } from '../../text/prose.js'

/** What `torchgraft doctor` prints for people. */
export function doctorText(report: DoctorReport, stream: Width = {}): string {
  const { ok, libtorch, tried, devices, processor, precision, node, advice } = report
  const rows: [string, string][] = [
    ['libtorch', libtorch ? `${libtorch.version}${libtorch.cuda ? ', CUDA' : ', CPU'} build` : 'not found'],
    ...(libtorch ? [['', libtorch.path] as [string, string]] : []),
    ['devices', devices.join(', ') || 'none'],
    ['processor', `${processor.name}, ${plural(processor.cores, 'core')}`],
    ...(processor.features.length > 0 ? [['', processor.features.join(' ')] as [string, string]] : []),
    ['precision', precision === null ? 'unknown' : `auto is ${precision} on this processor`],
    ['node', node],
  ]
  return [
    ...proseRows(rows.map(([name, value]) => [name, printable(value)]), 10, stream),
    '',
    'Where libtorch was looked for:',
    ...tried.map(({ source, result }) => prose(`  ${source}: ${printable(result)}`, stream, 2)),
    '',
    ...advice.map((line) => prose(`To do: ${printable(line)}`, stream, 7)),
    ok ? 'Everything is in place.' : 'torchgraft cannot compute until this is fixed.',
    '',
  ].join('\n')
}
