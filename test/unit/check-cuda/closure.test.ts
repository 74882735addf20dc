import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { closure } from '../../../scripts/check-cuda/pack/closure.mjs'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

test('packages are packed with all that they depend on, each once, and none that is not installed', async () => {
  await using folder = await temporaryFolder()
  const packages = {
    '': {},
    'node_modules/a': { dependencies: { b: '1' }, optionalDependencies: { 'a-windows': '1' } },
    'node_modules/a/node_modules/b': { dependencies: { c: '1' } },
    'node_modules/a-windows': {},
    'node_modules/b': {},
    'node_modules/c': { dependencies: { a: '1' } },
    'node_modules/d': {},
  }
  await writeFile(join(folder.path, 'package-lock.json'), JSON.stringify({ packages }))
  const installed = Object.keys(packages).filter((path) => path !== '' && !path.endsWith('windows'))
  for (const path of installed) await mkdir(join(folder.path, path), { recursive: true })
  expect(closure(folder.path, ['a'])).toEqual(['node_modules/a', 'node_modules/c'])
})
