/** A batch norm's vectors, [channels] each, and what is added to the variance. */
export interface BatchNorm {
  readonly weight: Float32Array
  readonly bias: Float32Array
  readonly mean: Float32Array
  readonly variance: Float32Array
  readonly eps: number
}

export interface FoldedConv {
  readonly kernel: Float32Array<ArrayBuffer>
  readonly bias: Float32Array<ArrayBuffer>
}

/**
 * A convolution [out, in / groups, h, w], with or without a bias [out], and the batch norm behind it, as one convolution with a bias:
 * computed in double precision, rounded once.
 */
export function foldBatchNorm(kernel: Float32Array, convBias: Float32Array | undefined, norm: BatchNorm): FoldedConv {
  const channels = norm.weight.length
  const perChannel = kernel.length / channels
  const folded = new Float32Array(kernel.length)
  const bias = new Float32Array(channels)
  for (let channel = 0; channel < channels; channel++) {
    const scale = norm.weight[channel]! / Math.sqrt(norm.variance[channel]! + norm.eps)
    bias[channel] = norm.bias[channel]! - (norm.mean[channel]! - (convBias?.[channel] ?? 0)) * scale
    for (let i = channel * perChannel, end = i + perChannel; i < end; i++) folded[i] = kernel[i]! * scale
  }
  return { kernel: folded, bias }
}
