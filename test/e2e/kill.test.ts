import { runNode } from '../helpers/processes/child.js'

test('runs killed at random moments, by time and in the middle of writing, end as the unbroken one when they are resumed', async () => {
  const { code, stdout, stderr } = await runNode(['test/kill/check-kill.mjs', '--times', '5', '--seed', '3'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^5 kills in \d+ runs \(seed 3\), 0 of which did not end as the unbroken run\./m)
}, 180_000)
