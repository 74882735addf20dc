/** Of batch norm's four vectors, one number a channel each. */
export interface BatchNorm {
  readonly weight: Float32Array
  readonly bias: Float32Array
  readonly mean: Float32Array
  readonly variance: Float32Array
}

/** PyTorch's default, which torchvision's RegNet keeps. */
const EPS = 1e-5

/**
 * A convolution without bias and the batch norm behind it, as one convolution with a bias: computed in double
 * precision, rounded once.
 */
export function foldBatchNorm(kernel: Float32Array, norm: BatchNorm): { readonly kernel: Float32Array<ArrayBuffer>; readonly bias: Float32Array<ArrayBuffer> } {
  const channels = norm.weight.length
  const perChannel = kernel.length / channels
  const folded = new Float32Array(kernel.length)
  const bias = new Float32Array(channels)
  for (let channel = 0; channel < channels; channel++) {
    const scale = norm.weight[channel]! / Math.sqrt(norm.variance[channel]! + EPS)
    bias[channel] = norm.bias[channel]! - norm.mean[channel]! * scale
    for (let i = channel * perChannel, end = i + perChannel; i < end; i++) folded[i] = kernel[i]! * scale
  }
  return { kernel: folded, bias }
}
