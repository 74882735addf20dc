// Writes weights/graphs.json.br: each model's graph as the addon describes it. To be run where models or what they say of
// their layers changed; a test compares the two.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const { loadAddon } = await import(new URL('../dist/addon/load.js', import.meta.url).href)
const { GRAPHS_FILE } = await import(new URL('../dist/models/shipped-graphs.js', import.meta.url).href)
const addon = loadAddon()
const graphs = Object.fromEntries(addon.variants.map((/** @type {string} */ name) => [name, addon.describe(name, 1).graph]))
writeFileSync(join(ROOT, 'weights', GRAPHS_FILE), brotliCompressSync(JSON.stringify(graphs)))
