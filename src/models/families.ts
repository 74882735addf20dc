/** Model families that there is no support for, each recognized by a tensor's name that only it has: the common ones. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\.)s\d+\.b\d+\.f\.a_bn\.weight$/, 'a RegNet of pycls, which takes images as BGR: convert it by way of timm'],
  [/(?:^|\.)layer1\.0\.conv1\.weight$/, 'a ResNet'],
  [/(?:^|\.)conv_stem\.weight$/, 'an EfficientNet or a MobileNet of timm'],
  [/(?:^|\.)features\.denseblock1\./, 'a DenseNet'],
  [/(?:^|\.)features\.1\.0\.(?:attn|norm1)\./, 'a Swin Transformer'],
  [/(?:^|\.)layers\.0\.blocks\.0\.attn\./, 'a Swin Transformer'],
  [/(?:^|\.)features\.1\.0\.layer_scale$/, 'a ConvNeXt'],
  [/(?:^|\.)stages\.0\.blocks\.0\.(?:conv_dw|gamma)/, 'a ConvNeXt'],
  [/(?:^|\.)features\.0\.0\.weight$/, 'an EfficientNet or a MobileNet'],
  [/(?:^|\.)features\.0\.weight$/, 'a VGG or an AlexNet'],
  [/(?:^|\.)encoder\.layers\.encoder_layer_0\./, 'a Vision Transformer'],
  [/(?:^|\.)blocks\.0\.attn\.qkv\.weight$/, 'a Vision Transformer'],
  [/(?:^|\.)(?:vit|deit|dinov2)\.embeddings\./, 'a Vision Transformer'],
  [/(?:^|\.)Conv2d_1a_3x3\.conv\.weight$/, 'an Inception'],
  [/(?:^|\.)inception3a\./, 'a GoogLeNet'],
  [/(?:^|\.)model\.0\.conv\.weight$/, 'a YOLO'],
]

/** "a ResNet": what has such names; undefined where that is not known. */
export function familyOf(names: Iterable<string>): string | undefined {
  const all = [...names]
  return FAMILIES.find(([own]) => all.some((name) => name.length < 1000 && own.test(name)))?.[1]
}
