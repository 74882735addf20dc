// Ends a run with what was skipped, by reason; `skip.ts` puts the reason into a test's title.
const REASON = / \(skipped: (.*)\)$/s

/** @typedef {{ readonly title: string, readonly status: string }} Test */

/** @implements {Pick<import('@jest/reporters').Reporter, 'onRunComplete'>} */
export default class SkipReporter {
  #byName

  /** @param {{ readonly testNamePattern?: string }} globalConfig */
  constructor({ testNamePattern }) {
    this.#byName = Boolean(testNamePattern)
  }

  /** @param {unknown} _ @param {{ readonly testResults: readonly { readonly testResults: readonly Test[] }[] }} results */
  onRunComplete(_, { testResults }) {
    /** @type {Map<string, number>} */
    const counts = new Map()
    for (const { title, status } of testResults.flatMap((file) => file.testResults)) {
      if (status !== 'pending') continue
      const reason = REASON.exec(title)?.[1] ?? (this.#byName ? undefined : 'no reason was given')
      if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1)
    }
    // jest's own summary comes after all reporters.
    process.once('exit', () => process.stderr.write([...counts].map(([reason, count]) => `skipped: ${count}, because ${reason}\n`).join('')))
  }
}
