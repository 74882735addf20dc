// torchgraft's training as a program: options as JSON in, its events as lines of JSON out.
import { torchgraft } from './library.mjs'

const options = JSON.parse(process.argv[2] ?? '{}')
await torchgraft.train({ ...options, onEvent: (event) => process.stdout.write(`${JSON.stringify(event)}\n`) })
