// Ends processes in every way in the middle of everything, many times, and prints a table of what came of it.
//
//   npm run check:exits [-- --times 50] [--moment MOMENT] [--end END]
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { ENDS, MOMENTS, runCase } from './cases.mjs'

const { values } = parseArgs({ options: { times: { type: 'string', default: '50' }, moment: { type: 'string' }, end: { type: 'string' } } })
const times = Number(values.times)
const moments = MOMENTS.filter((moment) => values.moment === undefined || moment === values.moment)
const ends = Object.keys(ENDS).filter((end) => values.end === undefined || end === values.end)
if (!(Number.isSafeInteger(times) && times > 0) || moments.length === 0 || ends.length === 0) {
  console.error(`Expected --times N, of at least 1, and of the moments (${MOMENTS.join(', ')}) and ends (${Object.keys(ENDS).join(', ')}) one, or none for all`)
  process.exit(2)
}

const width = Math.max(...ends.map((end) => end.length))
console.log(`${'as Node would, of all'.padEnd(width)}  ${moments.map((moment) => moment.padStart(16)).join('  ')}`)
for (const end of ends) {
  const cells = []
  for (const moment of moments) cells.push(await cell(moment, end))
  console.log(`${end.padEnd(width)}  ${cells.map((text) => text.padStart(16)).join('  ')}`)
}

/** @param {string} moment @param {string} end */
async function cell(moment, end) {
  let [next, right] = [0, 0]
  const work = async () => {
    for (let i = next++; i < times; i = next++) {
      const wrong = await runCase(moment, end, (i * 37) % 150) // another place in the middle each time
      if (wrong === undefined) right++
      else console.error(`${end}: ${wrong}`)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, work))
  if (right < times) process.exitCode = 1
  return `${right} of ${times}`
}
