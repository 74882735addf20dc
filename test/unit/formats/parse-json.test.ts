import { parseJson } from '../../../src/formats/parse-json.js'

const LIMITS = { depth: 3, values: 10, uniqueKeys: true }

test.each([
  ['nothing much', '{}', {}],
  ['a text with brackets and quotes', '{"a":"[[[[{{{{,,,,::::\\"\\\\"}', { a: '[[[[{{{{,,,,::::"\\' }],
  ['as deep as may be', '[[[0]]]', [[[0]]]],
  ['as many as may be', '[0,0,0,0,0,0,0,0,0]', Array.from({ length: 9 }, () => 0)],
  ['one key in two objects', '{"a":{"b":1},"c":{"b":2}}', { a: { b: 1 }, c: { b: 2 } }],
  ['texts that are no keys', '{"a":["x","x"]}', { a: ['x', 'x'] }],
])('%s is read', (_, text, expected) => {
  expect(parseJson(text, LIMITS)).toEqual(expected)
})

test.each([
  ['too deep', '[[[[0]]]]', /more than 3 deep/],
  ['too many', '[0,0,0,0,0,0,0,0,0,0]', /more than 10 names and values/],
  ['a key twice', '{"a":1, "b":2, "a" :3}', /"a" is in it twice/],
  ['a key twice, spelled in two ways', '{"a":1,"\\u0061":2}', /"a" is in it twice/],
  ['no JSON', '{"a"', /JSON/],
  ['a text without an end', '"a', /JSON/],
  ['brackets that were never opened', ']]]]', /JSON/],
])('%s is refused', (_, text, message) => {
  expect(() => parseJson(text, LIMITS)).toThrow(message)
})

test('without limits of one’s own, a key may come twice, and megabytes of brackets are refused at once', () => {
  expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 })
  expect(() => parseJson('['.repeat(50_000_000))).toThrow(/more than 64 deep/)
})
