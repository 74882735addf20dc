import type { ModelSummary } from '../inference/summarize.js'

const RULE = '-'.repeat(64)
const DOUBLE_RULE = '='.repeat(64)

/** The table that Python's `torchsummary.summary` prints, character for character. */
export function modelSummaryText({ layers, parameters, trainable, bytes }: ModelSummary): string {
  return [
    RULE,
    row('Layer (type)', 'Output Shape', 'Param #'),
    DOUBLE_RULE,
    ...layers.map((layer) => row(layer.name, `[${layer.shape.join(', ')}]`, count(layer.parameters))),
    DOUBLE_RULE,
    `Total params: ${count(parameters)}`,
    `Trainable params: ${count(trainable)}`,
    `Non-trainable params: ${count(parameters - trainable)}`,
    RULE,
    `Input size (MB): ${megabytes(bytes.input)}`,
    `Forward/backward pass size (MB): ${megabytes(bytes.activations)}`,
    `Params size (MB): ${megabytes(bytes.parameters)}`,
    `Estimated Total Size (MB): ${megabytes(bytes.input + bytes.activations + bytes.parameters)}`,
    RULE,
    '',
  ].join('\n')
}

function row(layer: string, shape: string, parameters: string): string {
  return `${layer.padStart(20)}  ${shape.padStart(25)} ${parameters.padStart(15)}`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** Of 2^20 bytes. Python rounds a tie to the even digit and `toFixed` up: they differ at .125 and .625. */
function megabytes(bytes: number): string {
  const value = bytes / 2 ** 20
  return ((value * 8) % 4 === 1 ? value - 0.005 : value).toFixed(2)
}
