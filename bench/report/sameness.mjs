// Whether those that are compared did the same work. What is unlike must not be compared: the bench ends.

/** @typedef {import('../types.d.mts').Facts} Facts */
/** @typedef {import('../types.d.mts').Precision} Precision */

/** Those that are compared did not do the same work. */
export class MismatchError extends Error {}

/**
 * How far losses may lie apart, as a share: of the first step, before anything is learned, and of those after it. In fp32 it
 * is the order of sums, which training magnifies; in bf16 the gradients are noise to a tenth, and Adam's first steps are as
 * long for small ones as for large ones. In fp16 a GradScaler may leave out the first steps, whose gradients overflow.
 */
export const LOSS_TOLERANCE = /** @type {const} */ ({
  fp32: { first: 0.001, later: 0.05 },
  bf16: { first: 0.02, later: 0.1 },
  fp16: { first: 0.02, later: 0.5 },
})

/** Of the first loss, where one kept its images as bytes after resizing them: that alone moves the sample images' by 0.4 %. */
export const ROUNDED_TOLERANCE = 0.01

/** Which share of the images must be given the same label: what lies between two classes may fall to either side. */
export const LABELS_ALIKE = /** @type {const} */ ({ fp32: 0.98, bf16: 0.92, fp16: 0.92 })

const FROM_THE_LOOSEST = /** @type {const} */ (['fp16', 'bf16', 'fp32'])

/** The looser of two. @param {Precision} a @param {Precision} b @returns {Precision} */
const looser = (a, b) => FROM_THE_LOOSEST.find((precision) => precision === a || precision === b) ?? a

/**
 * Compares what each says of its work with the reference's: how many images, the losses of the first steps, the labels.
 *
 * @param {string} where the measure, for the message
 * @param {Readonly<Record<string, Facts>>} facts by name
 * @param {string} [reference] its name; where it is not there, the first one's
 * @returns {string[]} what was compared, in words
 * @throws {MismatchError}
 */
export function checkSameness(where, facts, reference = 'notebook') {
  const name = reference in facts ? reference : Object.keys(facts)[0]
  const others = Object.keys(facts).filter((other) => other !== name)
  if (name === undefined || others.length === 0) return []
  return [compareCounts, compareLosses, compareLabels].flatMap((compare) => {
    const found = others.map((other) => compare({
      where, name, other, expected: /** @type {Facts} */ (facts[name]), found: /** @type {Facts} */ (facts[other]),
    }))
    const [first] = found
    return first ? [`${first.what}: ${found.map((each, i) => `${others[i]} ${each?.how}`).join(', ')} (${name} ${first.reference})`] : []
  })
}

/**
 * @typedef {object} Pair
 * @property {string} where
 * @property {string} name
 * @property {string} other
 * @property {Facts} expected
 * @property {Facts} found
 */
/** @typedef {{ readonly what: string, readonly how: string, readonly reference: string }} Verdict */

/** @param {Pair} pair @returns {Verdict | undefined} */
function compareCounts({ where, name, other, expected: { images: expected }, found: { images: found } }) {
  if (expected === undefined && found === undefined) return undefined
  if (expected !== found) throw new MismatchError(`${where}: ${other} had ${found ?? 'no'} images and ${name} ${expected ?? 'none'}`)
  return { what: 'images', how: String(found), reference: String(expected) }
}

/** @param {Pair} pair @returns {Verdict | undefined} */
function compareLosses({ where, name, other, expected, found }) {
  const [before = [], after = []] = [expected.losses, found.losses]
  if (before.length !== after.length) throw new MismatchError(`${where}: ${other} told ${after.length} losses and ${name} ${before.length}`)
  if (before.length === 0) return undefined
  const precision = looser(expected.precision, found.precision)
  const { first: exact, later } = LOSS_TOLERANCE[precision]
  const first = expected.rounded || found.rounded ? Math.max(exact, ROUNDED_TOLERANCE) : exact
  const apart = after.map((loss, i) => Math.abs(loss - /** @type {number} */ (before[i])) / Math.abs(/** @type {number} */ (before[i])))
  for (const [i, share] of apart.entries()) {
    const tolerance = i === 0 ? first : later
    if (share <= tolerance) continue // which NaN is not
    throw new MismatchError(`${where}: the loss of step ${i + 1} is ${after[i]?.toFixed(4)} in ${other} and ${before[i]?.toFixed(4)} in ${name}, ${percent(share)} apart where ${percent(tolerance)} is allowed in ${precision}`)
  }
  return {
    what: `losses of ${after.length} steps, how far apart at most`,
    how: `${percent(Math.max(...apart))} in ${precision}`,
    reference: before.map((loss) => loss.toFixed(3)).join(' '),
  }
}

/** @param {Pair} pair @returns {Verdict | undefined} */
function compareLabels({ where, name, other, expected, found }) {
  const [before = [], after = []] = [expected.labels, found.labels]
  if (before.length !== after.length) throw new MismatchError(`${where}: ${other} predicted ${after.length} labels and ${name} ${before.length}`)
  if (before.length === 0) return undefined
  const precision = looser(expected.precision, found.precision)
  const alike = after.filter((label, i) => label === before[i]).length / after.length
  if (alike < LABELS_ALIKE[precision]) throw new MismatchError(`${where}: ${other} predicts ${percent(alike)} of the labels that ${name} does, and ${percent(LABELS_ALIKE[precision])} is the least in ${precision}`)
  return {
    what: 'labels alike',
    how: `${percent(alike)} in ${precision}`,
    reference: `${new Set(before).size} labels of ${before.length} images`,
  }
}

/** @param {number} share */
function percent(share) {
  return `${Number((share * 100).toPrecision(2))} %`
}
