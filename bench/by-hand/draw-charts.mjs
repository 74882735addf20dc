// Draws the charts in bench/results anew from the reports beside them: after a change of what a chart looks like.
//   node bench/by-hand/draw-charts.mjs
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { drawChart } from '../report/chart.mjs'
import { drawScaleChart } from '../report/scale-chart.mjs'

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

for (const name of readdirSync(RESULTS).filter((file) => file.endsWith('.json'))) {
  /** @type {import('../types.d.mts').Report} */
  const report = JSON.parse(readFileSync(RESULTS + name, 'utf8'))
  for (const [ending, chart] of [['.svg', drawChart(report)], ['-scale.svg', drawScaleChart(report)]]) {
    if (chart !== undefined) writeFileSync(RESULTS + name.replace('.json', ending ?? ''), chart)
  }
}
