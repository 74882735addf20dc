import { argumentError } from '../../src/errors.js'

const circle: unknown[] = []
circle.push(circle)

test.each([
  ['a text', 'x', '"x"'],
  ['numbers', [1, [2]], '[1, [2]]'],
  ['a long text', 'x'.repeat(1000), `"${'x'.repeat(200)}…"`],
  ['a long list', Array.from({ length: 1000 }, (_, i) => i), '[0, 1, 2, 3, 4, 5, 6, 7, … 1000 in all]'],
  ['a list that holds itself', circle, '[[[…]]]'], ['an object', {}, 'an object'], ['nothing', null, 'null'],
])('a complaint shows %s in few words', (_, received, shown) => {
  expect(argumentError('something', 'it', received).message).toBe(`Expected something for it but received ${shown}`)
})
