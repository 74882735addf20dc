import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { packageRoot } from '../package.js'
import type { ModelGraph } from '../addon/model-graph.js'
import type { ModelName } from './catalogue.js'

/** All models' graphs as the addon describes them, so that ONNX is written without it. `scripts/write-graphs.mjs` writes the file. */
export const GRAPHS_FILE = 'graphs.json.br'

/** The graph of a model, without the addon. */
export function shippedGraph(model: ModelName): ModelGraph {
  const json = brotliDecompressSync(readFileSync(join(packageRoot(), 'weights', GRAPHS_FILE))).toString('utf8')
  return (JSON.parse(json) as Readonly<Record<ModelName, ModelGraph>>)[model]
}
