/** A test that cannot run here, and why: in the output, whatever jest shows of it. */
export function skip(title: string, reason: string): void {
  process.stderr.write(`skipped: ${title}: ${reason}\n`)
  test.skip(`${title}: ${reason}`, () => {})
}
