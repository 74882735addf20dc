/** @typedef {import('../types.d.mts').Row} Row */
/** @typedef {import('../types.d.mts').Report} Report */

export const WIDTH = 80
const INDENT = '  '

/**
 * What the table and the charts call a machine.
 *
 * @param {Pick<import('../types.d.mts').Machine, 'processor' | 'heldTo' | 'cores' | 'gpu'>} machine
 */
export function machineName({ processor, heldTo, cores, gpu }) {
  return `${gpu ? `${gpu.name} beside ` : ''}${processor}${heldTo ? ` held to ${heldTo}` : ''}, ${cores} cores`
}

/**
 * What the measures are of, before them. No line is wider than 80 columns.
 *
 * @param {Pick<Report, 'machine' | 'versions'>} report
 * @returns {string[]}
 */
export function formatHead({ machine, versions }) {
  const { memory, load, gpu } = machine
  return [
    ...wrap(`${machineName(machine)}, ${gibibytes(memory)}`, ''),
    ...(gpu ? wrap(`GPU: ${gpu.name}, ${gibibytes(gpu.memory)}, driver ${gpu.driver}`, '') : []),
    ...wrap(Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', '), ''),
    ...(isBusy(load) ? wrap(`This machine was busy when the bench began (load ${load.toFixed(1)} a core): look at the spread before you believe a median.`, '') : []),
  ]
}

/** @param {number} bytes */
function gibibytes(bytes) {
  return `${Math.round(bytes / 2 ** 30)} GiB`
}

/** Of one minute, a core: what the bench itself has not made. @param {number} load */
export function isBusy(load) {
  return load > 0.3
}

/** @param {Row} row @returns {string[]} */
export function formatRow(row) {
  const { name, model, params, unit, better, torchgraft, peers, best, extra, how = {}, leftOut = {}, same = [], note, ...ratios } = row
  const told = Object.entries(params)
    .filter(([key, value]) => value !== null && key !== 'threads')
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')
  const title = [name, model, told, `${unit}, ${better} is better`, extra ? 'extra' : ''].filter((part) => part).join(' · ')
  const ratioOf = (/** @type {string} */ peer) => (peer === best ? ratios.ratioToBest : peer === 'notebook' ? ratios.ratioToNotebook : null)
  return [
    ...wrap(title, '', INDENT),
    columns(['', 'median', 'min', 'max', 'runs', '']),
    columns(['torchgraft', ...numbers(torchgraft), '']),
    ...Object.entries(peers).map(([peer, stats]) => {
      const heading = `${peer}${peer === best ? ' (best)' : ''}`
      return columns([heading, ...numbers(stats), tellRatio(ratioOf(peer))])
    }),
    ...Object.entries(leftOut).flatMap(([peer, why]) => wrap(`${peer} left out: ${why}`, INDENT, '    ')),
    ...Object.entries(how).flatMap(([who, words]) => wrap(`${who}: ${words}`, INDENT, '    ')),
    ...(same.length > 0 ? wrap(`the same work as far as compared. ${same.join('; ')}`, INDENT, '    ') : []),
    ...(note ? wrap(note, INDENT, '    ') : []),
  ]
}

/** @param {number | null} ratio of torchgraft to a peer */
function tellRatio(ratio) {
  return ratio === null ? '' : `torchgraft ${significant(ratio)} ×`
}

/** @param {import('../types.d.mts').Stats} stats */
function numbers({ median, min, max, repeats }) {
  return [significant(median), significant(min), significant(max), String(repeats)]
}

/** Three digits, and no fewer than the whole part has. @param {number} value */
export function significant(value) {
  const size = Math.abs(value)
  if (size >= 100) return String(Math.round(value))
  return size >= 10 ? value.toFixed(1) : size >= 0.1 || size === 0 ? value.toFixed(2) : value.toPrecision(2)
}

/** @param {readonly string[]} cells */
function columns([first = '', median = '', min = '', max = '', runs = '', last = '']) {
  return `${INDENT}${first.padEnd(23)}${[median, min, max].map((cell) => cell.padStart(9)).join('')}${runs.padStart(6)}  ${last}`.trimEnd()
}

/** @param {string} text @param {string} first before the first line @param {string} [others] before the others @returns {string[]} */
export function wrap(text, first, others = first) {
  /** @type {string[]} */
  const lines = []
  let line = first
  for (const word of text.split(' ').flatMap((part) => part.match(/.{1,60}/g) ?? [])) {
    const empty = line === first || line === others
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = others + word
    } else line += empty ? word : ` ${word}`
  }
  return [...lines, line]
}
