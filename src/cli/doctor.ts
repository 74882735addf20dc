import type { DoctorReport } from '../native/doctor.js'
import { printable } from '../report/format.js'

/** A report for people, 80 columns wide but for paths. */
export function doctorText({ ok, libtorch, tried, devices, processor, precision, node, advice }: DoctorReport): string {
  const rows: [string, string][] = [
    ['libtorch', libtorch ? `${libtorch.version}${libtorch.cuda ? ', CUDA' : ', CPU'} build` : 'not found'],
    ...(libtorch ? [['', libtorch.path] as [string, string]] : []),
    ['devices', devices.join(', ') || 'none'],
    ['processor', `${processor.name}, ${processor.cores} cores`],
    ...(processor.features.length > 0 ? [['', processor.features.join(' ')] as [string, string]] : []),
    ['precision', precision === null ? 'unknown' : `auto is ${precision} on this processor`],
    ['node', node],
  ]
  return [
    ...rows.map(([name, value]) => `${name.padEnd(10)} ${printable(value)}`),
    '',
    'Where libtorch was looked for:',
    ...tried.map(({ source, result }) => `  ${source}: ${printable(result)}`),
    '',
    ...advice.map((line) => `To do: ${printable(line)}`),
    ok ? 'All is in place.' : 'Nothing can be computed until this is mended.',
    '',
  ].join('\n')
}
