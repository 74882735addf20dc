// Pickles that are small and stand for much: parts that are shared, that hold themselves, that are wide or deep, and tensors
// that repeat one storage. Each is what an archive's data.pkl may hold; its one storage, "0", has 16 bytes.

const PROTO = '\x80\x02'
const FLOATS = 'ctorch\nFloatStorage\n'
const DOUBLES = 'ctorch\nDoubleStorage\n'
const ORDERED_DICT = 'ccollections\nOrderedDict\n'
const REBUILD = 'ctorch._utils\n_rebuild_tensor_v2\n'
const FROM_TYPE = 'ctorch._tensor\n_rebuild_from_type_v2\n'

/** @param {number} value */
const uint32 = (value) => String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255)
/** @param {number} key */
const put = (key) => `r${uint32(key)}`
/** @param {number} key */
const get = (key) => `j${uint32(key)}`
/** @param {string} value */
const text = (value) => `X${uint32(value.length)}${value}`
/** @param {number} power */
const powerOf2 = (power) => `\x8a\x08${times(8, (i) => String.fromCharCode(Math.floor(power / 8) === i ? 1 << power % 8 : 0))}`
/** @param {number} count @param {(i: number) => string} make */
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i)).join('')
/** @param {string} items */
const list = (items) => `](${items}e`
/** @param {string} items */
const dict = (items) => `}(${items}u`
const storage = (type = FLOATS, count = 4) => `(${text('storage')}${type}${text('0')}${text('cpu')}K${String.fromCharCode(count)}tQ`
const tensor = (shape = 'K\x04\x85', strides = 'K\x01\x85', of = storage()) => {
  return `${REBUILD}(${of}K\0${shape}${strides}\x89${ORDERED_DICT})RtR`
}
/** @param {string} value */
const model = (value) => dict(`${text('a.weight')}${value}`)
/** @param {string} value */
const beside = (value) => dict(`${text('state_dict')}${model(tensor())}${text('thing')}${value}`)
/** @param {string} groups */
const optimizer = (groups) => {
  const state = dict(`${text('state')}}${text('param_groups')}${groups}`)
  return dict(`${text('state_dict')}${model(tensor())}${text('optimizer')}${state}`)
}

/**
 * The innermost value, inside the next one that holds it twice, and so on.
 *
 * @param {string} first @param {(inner: string, again: string) => string} around
 */
function doubled(first, around, depth = 40) {
  let value = `${first}${put(1000)}`
  for (let i = 0; i < depth; i++) value = `${around(value, get(1000 + i))}${put(1001 + i)}`
  return value
}

const calls = times(20_000, (i) => `(${FROM_TYPE}ctorch\nTensor\n${get(i)}Nt${put(i + 1)}`)
const all = times(200, (j) => `K${String.fromCharCode(j)}${get(j)}`)
const manyNames = times(20_000, (i) => `${text(`${i}.weight`)}${get(1)}`)
const views = times(2000, () => `${REBUILD}(${get(1)}K\0${get(2)}${get(2)}\x89NtR`)
const pairs = list(times(1000, (i) => `${text(`${i}`)}N\x86`))
const counts = dict(times(5000, (i) => `${text(`${i}`)}K\x01`))
const lists = doubled(']', (inner, again) => list(inner + again))
const tuples = doubled(')', (inner, again) => `${inner}${again}\x86`)
const dicts = doubled('}', (inner, again) => dict(`${text('a')}${inner}${text('b')}${again}`))
const models = doubled(model(tensor()), (inner, again) => dict(`${text('weight')}${tensor()}${text('a')}${inner}${text('b')}${again}`))
/** @param {string} params @param {string} names */
const group = (params, names) => dict(`${text('params')}${list(params)}${text('param_names')}${list(names)}${text('betas')}K\0K\0\x86`)

/** @type {readonly (readonly [name: string, program: string])[]} */
const PROGRAMS = [
  ['a key of lists that share their members', `}${lists}Ns`],
  ['a key of tuples that share their members', `}${tuples}Ns`],
  ['lists that share their members', beside(lists)],
  ['tuples that share their members', beside(tuples)],
  ['dicts that share their members', beside(dicts)],
  ['models that share their members', models],
  ['a list that holds itself', beside(`]${put(1)}${get(1)}a`)],
  ['a dict that holds itself 5,000 times', `}${put(1)}(${times(5000, (i) => `${text(`k${i}`)}${get(1)}`)}u`],
  ['200 dicts that all hold all', beside(list(times(200, (i) => `}${put(i)}`) + times(200, (i) => `${get(i)}(${all}u`)))],
  ['lists 50,000 deep', beside(`${']'.repeat(50_000)}${'a'.repeat(49_999)}`)],
  ['tuples 50,000 deep', beside(`N${'\x85'.repeat(50_000)}`)],
  ['dicts 20,000 deep', beside(`${`}${text('a')}`.repeat(20_000)}N${'s'.repeat(20_000)}`)],
  ['a list of 200,000', beside(list('N'.repeat(200_000)))],
  ['a dict of 20,000 texts', beside(dict(times(20_000, (i) => `${text(`k${i}`)}N`)))],
  ['a tensor under 20,000 names', dict(`${text('a.weight')}${tensor()}${put(1)}${manyNames}`)],
  ['a key of a megabyte in 5,000 dicts', beside(list(`}${text('k'.repeat(1 << 20))}${put(1)}Ns${times(5000, () => `}${get(1)}Ns`)}`))],
  ['a tensor\'s name of a megabyte in 5,000 dicts', beside(list(
    `}${text('k'.repeat(1 << 20))}${put(1)}${tensor()}${put(2)}s${times(5000, () => `}${get(1)}${get(2)}s`)}`,
  ))],
  ['a tensor of no elements in 2⁴⁰ rows', model(tensor(`${powerOf2(40)}K\0\x86`, 'K\0K\0\x86', storage(DOUBLES, 2)))],
  ['a tensor of 2⁴⁰ elements, all one and the same', model(tensor(`${powerOf2(40)}\x85`, 'K\0\x85'))],
  ['a tensor of 2⁶⁰ elements', model(tensor(`${powerOf2(30)}${powerOf2(30)}\x86`, 'K\0K\0\x86'))],
  ['a shape of 100,000 dimensions, 2,000 times', list(`${storage()}${put(1)}(${'K\x01'.repeat(100_000)}t${put(2)}${views}`)],
  ['an ordered dict of 1,000 pairs, 10,000 times', beside(list(`${pairs}${put(1)}${times(10_000, () => `${ORDERED_DICT}${get(1)}\x85R`)}`))],
  ['a counter of 5,000 entries, 5,000 times', beside(list(`${counts}${put(1)}${times(5000, () => `ccollections\nCounter\n${get(1)}\x85R`)}`))],
  ['calls within calls', beside(list(`)${put(0)}${calls}${FROM_TYPE}${get(20_000)}R`))],
  ['marks within marks', beside('('.repeat(100_000))],
  ['20,000 sets', beside(list('\x8f\x85'.repeat(20_000)))],
  ['integers of 255 bytes', beside(list(`\x8a\xff${'\xff'.repeat(255)}`.repeat(2000)))],
  ['100,000 things remembered', beside(`N${times(100_000, put)}`)],
  ['20,000 globals', beside(list(FLOATS.repeat(20_000)))],
  ['a name of 20,000 wrappers', dict(`${text(`${'module.'.repeat(20_000)}weight`)}${tensor()}`)],
  ['an optimizer whose groups are all one', optimizer(list(`${group('K\0', text('a.weight'))}${put(1)}${times(20_000, () => get(1))}`))],
  ['an optimizer whose names share their members', optimizer(list(group('K\0', lists)))],
  ['an optimizer whose parameters share their members', optimizer(list(group(lists, text('a.weight'))))],
]

/** By what they are. */
export const HOSTILE_PICKLES = new Map(PROGRAMS.map(([name, program]) => [name, Buffer.from(`${PROTO}${program}.`, 'latin1')]))
