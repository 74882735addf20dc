import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs a file's tests in an empty folder, and tells what they left there. */
export function workInEmptyFolder(): { contents(): Promise<string[]> } {
  const before = process.cwd()
  let folder = ''
  beforeAll(async () => process.chdir((folder = await mkdtemp(join(tmpdir(), 'torchgraft-empty-')))))
  afterAll(async () => {
    process.chdir(before)
    await rm(folder, { recursive: true })
  })
  return { contents: () => readdir(folder) }
}
