import { LivenessMonitor } from '../../../src/distributed/liveness.js'

type Heard = (second: number) => readonly number[]
type Found = readonly [second: number, rank: number]

/** Looks once a second. @param hears the ranks that are heard in each @returns the second in which one is found silent, and which */
function listen(seconds: number, hears: Heard, silence = new LivenessMonitor([1, 2], 0)): Found | undefined {
  for (let second = 1; second <= seconds; second++) {
    for (const rank of hears(second)) silence.heard(rank)
    const silent = silence.tick(second * 1000)
    if (silent !== undefined) return [second, silent]
  }
  return undefined
}

test('a rank that is heard every second is never silent', () => {
  expect(listen(100, () => [1, 2])).toBeUndefined()
})

test('a rank that was heard last in second 20 is silent after 15 s more', () => {
  expect(listen(100, (second) => (second <= 20 ? [1, 2] : [1]))).toEqual([35, 2])
})

test('a rank that never said a word is silent too', () => {
  expect(listen(100, () => [2])).toEqual([16, 1])
})

test('a rank that has left may be silent', () => {
  const silence = new LivenessMonitor([1, 2], 0)
  silence.forget(2)
  silence.heard(2)
  expect(listen(100, () => [1], silence)).toBeUndefined()
})

test('what was not heard while this process itself was stopped is nobody\'s silence', () => {
  const silence = new LivenessMonitor([1], 0)
  const looks = [1, 100, ...Array.from({ length: 16 }, (_, i) => 101 + i)].map((second) => [second, silence.tick(second * 1000)])
  expect(looks.filter(([, silent]) => silent !== undefined)).toEqual([[116, 1]])
})
