import { limitSpinning } from '../../../src/addon/load.js'

test.each([
  [{}, { GOMP_SPINCOUNT: '10000' }],
  [{ GOMP_SPINCOUNT: '5' }, { GOMP_SPINCOUNT: '5' }],
  [{ OMP_WAIT_POLICY: 'ACTIVE' }, { OMP_WAIT_POLICY: 'ACTIVE' }],
])('of %j OpenMP gets %j', (env, expected) => {
  limitSpinning(env)
  expect(env).toEqual(expected)
})
