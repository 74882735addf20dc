// Launches ranks of fake-rank.mjs as `torchgraft train --device cpu:N` launches its own, and prints how they ended.
import { fileURLToPath } from 'node:url'
import { launch } from '../../../dist/distributed/launch.js'

const [, , worldSize, ...what] = process.argv
const end = await launch([fileURLToPath(new URL('fake-rank.mjs', import.meta.url)), ...what], Number(worldSize))
process.stdout.write(`${JSON.stringify(end)}\n`)
