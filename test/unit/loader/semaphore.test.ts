import { Semaphore } from '../../../src/loader/semaphore.js'

describe('Semaphore', () => {
  test('so many jobs run at once, and the others begin in order as those end', async () => {
    const semaphore = new Semaphore(2)
    const begun: number[] = []
    const ends: (() => void)[] = []
    const jobs = [0, 1, 2, 3].map((i) => semaphore.run(() => {
      begun.push(i)
      return new Promise<number>((resolve) => { ends[i] = () => resolve(i) })
    }))
    expect(begun).toEqual([0, 1])
    ends[1]?.()
    await jobs[1]
    expect(begun).toEqual([0, 1, 2])
    ends[0]?.()
    ends[2]?.()
    await Promise.all([jobs[0], jobs[2]])
    expect(begun).toEqual([0, 1, 2, 3])
    ends[3]?.()
    expect(await Promise.all(jobs)).toEqual([0, 1, 2, 3])
  })

  test('a job that fails makes room for the next', async () => {
    const semaphore = new Semaphore(1)
    const failed = semaphore.run(() => Promise.reject(new Error('broken')))
    const next = semaphore.run(() => Promise.resolve('done'))
    await expect(failed).rejects.toThrow('broken')
    expect(await next).toBe('done')
  })
})
