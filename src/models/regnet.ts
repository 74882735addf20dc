import type { ModelFamily } from './model-family.js'

/** torchvision's RegNets, by its names and in its order. */
export const REGNET = {
  name: 'RegNet',
  names: [
    'regnet_y_400mf', 'regnet_y_800mf', 'regnet_y_1_6gf', 'regnet_y_3_2gf', 'regnet_y_8gf',
    'regnet_y_16gf', 'regnet_y_32gf', 'regnet_y_128gf',
    'regnet_x_400mf', 'regnet_x_800mf', 'regnet_x_1_6gf', 'regnet_x_3_2gf', 'regnet_x_8gf', 'regnet_x_16gf', 'regnet_x_32gf',
  ],
  shippedWeights: { regnet_y_400mf: 'regnet_y_400mf-tiny-imagenet' },
  // By torchvision, timm (and pycls), Hugging Face with and without a head.
  firstWeights: [
    'stem.0.weight', 'stem.conv.weight', 'regnet.embedder.embedder.convolution.weight', 'embedder.embedder.convolution.weight',
  ],
  schemes: [
    { whose: 'timm’s', own: /^s\d+\.b\d+\.conv1\.conv\./, toTorchvision: fromTimm },
    { whose: 'Hugging Face’s', own: /^(?:regnet\.)?embedder\.embedder\.convolution\./, toTorchvision: fromHuggingFace },
  ],
} as const satisfies ModelFamily

/** timm's RegNet (timm/models/regnet.py) in torchvision's words. */
export function fromTimm(name: string): string {
  return name
    .replace(/^s(\d+)\.b(\d+)\./, (_, stage: string, block: string) => `trunk_output.block${stage}.block${stage}-${Number(block) - 1}.`)
    .replace(/^stem\.conv\./, 'stem.0.')
    .replace(/^stem\.bn\./, 'stem.1.')
    .replace(/\.downsample\.conv\./, '.proj.0.')
    .replace(/\.downsample\.bn\./, '.proj.1.')
    .replace(/\.conv([123])\.conv\./, (_, number: string) => `.f.${'abc'[Number(number) - 1]}.0.`)
    .replace(/\.conv([123])\.bn\./, (_, number: string) => `.f.${'abc'[Number(number) - 1]}.1.`)
    .replace(/\.se\.(fc[12])\./, '.f.se.$1.')
    .replace(/^head\.fc\./, 'fc.')
}

/** Hugging Face's RegNet (transformers' RegNetForImageClassification) in torchvision's words; of Y the third layer is the excitation. */
export function fromHuggingFace(name: string): string {
  return name
    .replace(/^regnet\./, '')
    .replace(/^embedder\.embedder\./, 'stem.')
    .replace(/^encoder\.stages\.(\d+)\.layers\.(\d+)\./, (_, before: string, block: string) => {
      const stage = Number(before) + 1
      return `trunk_output.block${stage}.block${stage}-${block}.`
    })
    .replace(/\.shortcut\./, '.proj.')
    .replace(/\.layer\.2\.attention\.([02])\./, (_, place: string) => `.f.se.fc${place === '0' ? 1 : 2}.`)
    .replace(/\.layer\.(\d)\./, (_, place: string) => `.f.${'abcc'[Number(place)] ?? place}.`)
    .replace(/\.convolution\./, '.0.')
    .replace(/\.normalization\./, '.1.')
    .replace(/^classifier\.1\./, 'fc.')
}
