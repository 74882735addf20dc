import { resolve } from 'node:path'
import { resolveOptions, withAbsolutePaths } from '../../../src/train/options/resolve.js'
import { resumeOptions, savedOptions } from '../../../src/train/resume/options.js'

const saved = resolveOptions({ epochs: 5, seed: 3 })
/** As `config.json` brings them back. */
const kept = (changes: object): unknown => JSON.parse(JSON.stringify({ ...saved, ...changes }))

describe('savedOptions', () => {
  test('are those that were saved', () => {
    expect(savedOptions(kept({}))).toEqual(saved)
    expect(savedOptions(kept({ threads: 2, memoryFormat: 'contiguous' }))).toEqual({ ...saved, threads: 2, memoryFormat: 'contiguous' })
  })

  test('of a run from before images grew have one size', () => {
    expect(savedOptions(kept({ progressiveResizing: undefined }))).toEqual({ ...saved, progressiveResizing: false })
  })

  test.each([
    [{ lr: 'fast' }, 'for lr but received "fast"'], [{ lr: null }, 'for lr but received null'], [{ lr: -1 }, 'for lr'], [{ epochs: '5' }, 'for epochs'], [{ epochs: 1e300 }, 'for epochs'],
    [{ seed: [1] }, 'for seed'], [{ val: {} }, 'for val'], [{ strictImages: 1 }, 'for strictImages'], [{ monitor: 'val/f1' }, 'for monitor'], [{ epcohs: 5 }, 'for an option but received "epcohs"'],
  ])('%j is refused, naming the option', (changes, message) => {
    expect(() => savedOptions(kept(changes))).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining(message) }))
  })
})

describe('resumeOptions', () => {
  test('are those the run began with; epochs may grow', () => {
    expect(resumeOptions(saved, { resume: true })).toEqual(saved)
    expect(resumeOptions(saved, { epochs: 9, seed: 3 })).toEqual({ ...saved, epochs: 9 })
  })

  test.each([[{ epochs: 4 }, 'epochs'], [{ seed: 4 }, 'seed'], [{ weights: null }, 'weights'], [{ val: 0.5 }, 'val'], [{ recipe: 'notebook' }, 'recipe'], [{ threads: 3 }, 'threads'], [{ saveEveryMinutes: 1 }, 'saveEveryMinutes']] as const)('%j is refused', (options, name) => {
    expect(() => resumeOptions(saved, options)).toThrow(expect.objectContaining({ code: 'ERR_RESUME_MISMATCH', message: expect.stringContaining(`began with ${name} `) }))
  })

  test('a validation folder is the same one from wherever it is named', () => {
    const begun = withAbsolutePaths(resolveOptions({ val: 'test/fixtures' }))
    expect(begun.val).toBe(resolve('test/fixtures'))
    expect(resumeOptions(begun, { val: 'test/../test/fixtures' })).toEqual(begun)
    expect(() => resumeOptions(begun, { val: 'fixtures' })).toThrow(expect.objectContaining({ code: 'ERR_RESUME_MISMATCH' }))
  })

  test('names of weights stay names', () => {
    expect(withAbsolutePaths(saved).weights).toBe('regnet_y_400mf-tiny-imagenet')
  })
})
