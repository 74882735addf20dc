import { join } from 'node:path'
import { readTorchCheckpoint } from '../../../src/runs/torch-checkpoint.js'
import { type Picklable, PythonFloat, PythonTuple } from '../../../src/formats/pth/pickle-writer.js'
import { writePth } from '../../../src/formats/pth/pth-writer.js'
import { fromHuggingFace } from '../../../src/models/regnet.js'
import { torchvisionNames } from '../../../src/models/state-dict-names.js'
import { float32Tensor, type StateDict, type Tensor } from '../../../src/formats/tensor.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { tinyRegNet } from '../../helpers/tiny-regnet.js'

const REGNET = tinyRegNet()
const NAMES = [...REGNET.keys()]
const number = (value: number): Tensor => float32Tensor([], Float32Array.of(value))
const under = (prefix: string, tensors: StateDict = REGNET): [string, Tensor][] => [...tensors].map(([name, tensor]) => [`${prefix}${name}`, tensor])
const other = (name: string, value = 7): [string, Tensor] => [name, number(value)]
const SGD = new Map<string, Picklable>([['state', new Map()], ['param_groups', [new Map<string, Picklable>([['lr', new PythonFloat(0.1)], ['momentum', 0], ['params', [0]]])]]])

describe('torchvision’s names are found', () => {
  test.each<[string, [string, Tensor][], readonly RegExp[]]>([
    ['as they are', under(''), []],
    ['in DataParallel', under('module.'), [/"module\."/]], ['in it twice', under('module.module.'), [/"module\.module\."/]],
    ['compiled', under('_orig_mod.'), [/"_orig_mod\."/]],
    ['compiled around DDP', under('_orig_mod.module.'), [/"_orig_mod\.module\."/]],
    ['in DDP around the compiled', under('module._orig_mod.'), [/"module\._orig_mod\."/]],
    ['in FSDP', under('_fsdp_wrapped_module.'), [/"_fsdp_wrapped_module\."/]],
    ['under a module’s own name', under('backbone.'), [/"backbone\."/]],
    ['in wrappers around that', under('module.model.encoder.'), [/"module\.model\.encoder\."/]],
    ['compiled in part', under('').map(([name, tensor]) => [name.replace('block1.block1-0.', 'block1._orig_mod.block1-0.'), tensor]), [/within them/]],
    ['averaged', [...under('module.'), other('n_averaged')], [/"module\."/, /^1 tensor that is not the model’s was left out: n_averaged\./]],
    ['averaged, without a wrapper', [...under(''), other('n_averaged')], [/n_averaged/]],
    ['in Lightning, with a criterion and a metric', [...under('model.'), other('criterion.weight'), other('metric.tp')], [/"model\."/, /2 tensors that are not the model’s were left out: criterion\.weight, metric\.tp/]],
    ['counted by thop', [...under(''), ...['total_ops', 'stem.0.total_ops', 'stem.total_params'].map((name) => other(name))], [/3 tensors .*: total_ops, stem\.0\.total_ops, stem\.total_params/]],
    ['beside an average of it', [...under('ema_model.'), ...under('online_model.')], [/"online_model\."/, /other models, .* under ema_model\./, /were left out/]],
    ['from before batch norm counted', under('').filter(([name]) => !name.endsWith('num_batches_tracked')), [/num_batches_tracked.*set to 0/]],
  ])('%s', async (_, tensors, notes) => {
    const found = torchvisionNames(new Map(tensors))
    expect([...found.tensors.keys()].sort()).toEqual([...NAMES].sort())
    expect(found.notes).toEqual(notes.map((note) => expect.stringMatching(note) as string))
    for (const [name, tensor] of REGNET) if (tensor.dtype === 'float32') expect(found.tensors.get(name)).toBe(tensor)
  })

  test('what is no RegNet’s keeps its names, but for wrappers before all of them', () => {
    const names = (...given: string[]): string[] => [...torchvisionNames(new Map(given.map((name) => other(name)))).tensors.keys()]
    expect(names('module._orig_mod.layer1.0.conv1.weight', 'module._orig_mod.fc.weight', 'n_averaged')).toEqual(['layer1.0.conv1.weight', 'fc.weight'])
    expect(names('fc.weight', 'fc.bias')).toEqual(['fc.weight', 'fc.bias'])
    expect(names('module.a.running_var', 'b.weight')).toEqual(['module.a.running_var', 'b.weight'])
  })

  test.each([
    ['regnet.embedder.embedder.convolution.weight', 'stem.0.weight'],
    ['regnet.embedder.embedder.normalization.running_var', 'stem.1.running_var'],
    ['regnet.encoder.stages.0.layers.0.layer.0.convolution.weight', 'trunk_output.block1.block1-0.f.a.0.weight'],
    ['regnet.encoder.stages.2.layers.5.layer.1.normalization.bias', 'trunk_output.block3.block3-5.f.b.1.bias'],
    ['regnet.encoder.stages.0.layers.0.layer.2.attention.0.weight', 'trunk_output.block1.block1-0.f.se.fc1.weight'],
    ['regnet.encoder.stages.0.layers.0.layer.2.attention.2.bias', 'trunk_output.block1.block1-0.f.se.fc2.bias'],
    ['regnet.encoder.stages.0.layers.0.layer.3.convolution.weight', 'trunk_output.block1.block1-0.f.c.0.weight'],
    ['regnet.encoder.stages.0.layers.0.layer.2.convolution.weight', 'trunk_output.block1.block1-0.f.c.0.weight'],
    ['regnet.encoder.stages.3.layers.0.shortcut.normalization.weight', 'trunk_output.block4.block4-0.proj.1.weight'],
    ['classifier.1.weight', 'fc.weight'],
  ])('Hugging Face’s %s is torchvision’s %s', (theirs, torchvision) => {
    expect(fromHuggingFace(theirs)).toBe(torchvision)
    expect([...torchvisionNames(new Map([other('regnet.embedder.embedder.convolution.weight'), other(theirs)])).tensors.keys()]).toContain(torchvision)
  })
})

describe('the model is found in a checkpoint', () => {
  const model = new Map(under(''))
  const averaged = new Map([...under('module.'), other('n_averaged')])
  const rest: [string, Picklable][] = [['epoch', 3], ['best_acc1', number(91)], ['rng', new Map([['cpu', number(1)]])], ['classes', ['a', 'b']]]

  test.each<[string, Picklable, readonly RegExp[]]>([
    ...['state_dict', 'model_state_dict', 'model'].map((key): [string, Picklable, readonly RegExp[]] => [key, new Map([...rest, [key, model]]), []]),
    ...['net', 'weights', 'model_state', 'mine'].map((key): [string, Picklable, readonly RegExp[]] => [key, new Map([...rest, [key, model]]), [new RegExp(`taken from "${key}"`)]]),
    ['within another', new Map([['checkpoint', new Map([...rest, ['state_dict', model]])]]), [/taken from "checkpoint\.state_dict"/]],
    ['in a list', [3, model], [/taken from "1"/]], ['in a tuple of a list', [new PythonTuple([3, model])], [/taken from "0\.1"/]],
    ['rather than its average', new Map([['model_ema', averaged], ['model', model]]), [/Not taken was what lies under model_ema/]],
    ['as its average, where there is nothing else', new Map<string, Picklable>([...rest, ['model_ema', averaged]]), [/taken from "model_ema"/, /"module\."/, /n_averaged/]],
    ['rather than a teacher', new Map([['teacher', model], ['student', model]]), [/taken from "student"/, /lies under teacher/]],
    ['beside numbers', new Map<string, Picklable>([...model, ['epoch', 3]]), [/What is no tensor was left out: epoch/]],
    ['with an optimizer that is another', new Map<string, Picklable>([['model', model], ['optimizer', SGD]]), [/optimizer is not Adam’s/]],
    ['with an optimizer that is empty', new Map<string, Picklable>([['model', model], ['optimizer', new Map()]]), []],
  ])('%s', async (_, value, notes) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'model_best.pth.tar')
    await writePth(path, value)
    const found = await readTorchCheckpoint(path)
    expect([...found.model]).toEqual([...REGNET])
    expect(found.training).toBeUndefined()
    expect(found.notes).toEqual(notes.map((note) => expect.stringMatching(note) as string))
  })

  test.each<[string, Picklable, string]>([
    ['numbers alone', new Map<string, Picklable>([['epoch', 3], ['loss', new PythonFloat(0.5)]]), 'it holds epoch, loss, and no dict of tensors'],
    ['an optimizer alone', new Map<string, Picklable>([['optimizer', SGD]]), 'it holds optimizer, and'],
    ['nothing', new Map(), 'an empty dict'],
    ['a number', 3, 'it holds no dict'],
  ])('one that holds %s is refused, with what there is', async (_, value, reason) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a.pth')
    await writePth(path, value)
    await expect(readTorchCheckpoint(path)).rejects.toMatchObject({
      code: 'ERR_FILE_FORMAT', message: expect.stringContaining(reason) as string,
    })
  })
})
