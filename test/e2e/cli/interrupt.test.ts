import { cp, readdir, readFile, rm } from 'node:fs/promises'
import { SMALL, afterEpoch, workFolder } from '../../helpers/work-folder.js'

const { at, cli, events } = workFolder()
const json = (text: string): unknown => JSON.parse(text) as unknown

describe('interrupting and resuming', () => {
  const options = ['--epochs', '8', '--lr', '0.003', '--val', '0.3', ...SMALL]

  test.each(['SIGINT', 'SIGTERM'] as const)('%s saves and exits with 130; --resume ends with the bytes of the run that was never stopped', async (signal) => {
    const whole = await cli(['train', 'colours', '--output', `whole-${signal}`, ...options])
    expect(whole.code).toBe(0)
    const run = `stopped-${signal}`
    const stopped = await cli(['train', 'colours', '--output', run, ...options], { onOutput: afterEpoch(1, (kill) => kill(signal)) })
    expect(stopped).toMatchObject({ code: 130, stdout: '' })
    expect(stopped.stderr).toContain('Stopping: the current step is finished and saved first.')
    expect(stopped.stderr).toContain(`npx torchgraft train --resume --output ${run}`)
    expect(await readdir(at(run))).not.toContain('run.lock')
    expect((await events(run)).at(-1)).toMatchObject({ type: 'stop', reason: 'aborted' })

    const resumed = await cli(['train', '--resume', '--output', run])
    expect(resumed).toMatchObject({ code: 0, stderr: expect.stringContaining('Continuing from last.safetensors') })
    expect(resumed.stderr).toContain('Computing on cpu in fp32: as in the run\'s config.json.')
    for (const file of ['best.safetensors', 'last.safetensors']) expect((await readFile(at(run, file))).equals(await readFile(at(`whole-${signal}`, file)))).toBe(true)

    const over = await cli(['train', '--resume', '--output', run])
    expect(over.code).toBe(0)
    expect(over.stdout).toContain('scored the same')
    const another = await cli(['train', '--resume', '--output', run, '--seed', '9'])
    expect(another).toMatchObject({ code: 1, stderr: 'torchgraft: This run began with --seed 1, not 9: leave it out, or start a new run\n' })
  })

  test('with --json, what was interrupted says so', async () => {
    const end = await cli(['train', 'colours', '--output', 'json-stop', '--json', ...options], { onOutput: afterEpoch(1, (kill) => kill('SIGINT')) })
    expect(end.code).toBe(130)
    expect(json(end.stdout)).toMatchObject({ output: 'json-stop', stop: 'aborted' })
  })

  test('images that changed since are refused', async () => {
    await cp(at('colours'), at('changing'), { recursive: true })
    await cli(['train', 'changing', '--epochs', '1', '--output', 'changed', ...SMALL])
    await rm(at('changing/red/3.png'))
    expect(await cli(['train', '--resume', '--output', 'changed', '--epochs', '2'])).toMatchObject({ code: 1, stderr: expect.stringContaining('The images are not those') })
  })
})
