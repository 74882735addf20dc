import { some } from '../../../src/text/some.js'

test.each([
  [['a', 'b', 'c'], 3, 'a, b, c'],
  [['a', 'b', 'c', 'd'], 3, 'a, b, c, and 1 more'],
  [['a', 'b', 'c', 'd', 'e'], 1, 'a, and 4 more'],
  [[], 3, ''],
])('of %j at most %i are named: %s', (names, most, expected) => {
  expect(some(names, most).join(', ')).toBe(expected)
})

test('what stands for the rest may say more, and the list itself is left as it was', () => {
  const names = ['a', 'b', 'c']
  expect(some(names, 2, (rest) => `and ${rest} more files`)).toEqual(['a', 'b', 'and 1 more files'])
  expect(names).toEqual(['a', 'b', 'c'])
})
