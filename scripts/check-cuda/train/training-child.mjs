// Trains, and tells of each event as a line of JSON:   node training-child.mjs OPTIONS, as JSON
//
// `dieAt` kills it in the middle, as a power cut would; `endAfter` ends it after so many steps.
import { torchgraft } from '../../../bench/torchgraft/library.mjs'

/** @type {import('../types.d.mts').TrainingTask} */
const { options, dieAt, endAfter = Infinity } = JSON.parse(process.argv[2] ?? '')
const tell = (/** @type {object} */ message) => console.log(JSON.stringify(message))
const controller = new AbortController()
let steps = 0
let saved = false
try {
  const result = await torchgraft.train({
    ...options,
    signal: controller.signal,
    onEvent(event) {
      tell(event)
      saved ||= event.type === 'checkpoint' && event.file.startsWith('last')
      if (event.type !== 'step') return
      if (++steps === endAfter) controller.abort()
      const due = dieAt !== undefined && (event.epoch > dieAt.epoch || (event.epoch === dieAt.epoch && event.step >= dieAt.step))
      if (due && saved) process.kill(process.pid, 'SIGKILL')
    },
  })
  const { best: { metrics: { top1, count } }, seconds, precision } = result
  tell({ type: 'result', top1, count, seconds, precision })
} catch (error) {
  if (!controller.signal.aborted || error !== controller.signal.reason) throw error
}
