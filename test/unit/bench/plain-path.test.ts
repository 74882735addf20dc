import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { plainPath } from '../../../bench/harness/plain-path.mjs'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

test('a path with what separates paths elsewhere is reached by one without', async () => {
  await using folder = await temporaryFolder()
  const spaced = join(folder.path, 'a b:c.so')
  await writeFile(spaced, 'it')
  const plain = plainPath(spaced, folder.path)
  expect(plain).not.toMatch(/[\s:]/)
  expect(await readFile(plain, 'utf8')).toBe('it')
})

test('any other path stays as it is', () => {
  expect(plainPath('/lib/libjemalloc.so.2', '/nowhere')).toBe('/lib/libjemalloc.so.2')
})
