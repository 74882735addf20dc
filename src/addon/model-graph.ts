/**
 * A model's forward pass as data: the addon's `describe` gives it, `native/torch/models/graph.h` makes it. In an order in which each
 * node follows its inputs; the last one gives the logits.
 */
export type ModelGraph = readonly GraphNode[]

export type GraphNode = ConvNode | BatchNormNode | ActivationNode | LinearNode | Node<'add' | 'mul' | 'global-avg-pool' | 'flatten'>

/** The images [n, 3, h, w], as a node's input. */
export const GRAPH_INPUT = 'input'

interface Node<Op extends string> {
  /** `add` has its operands as Python adds them; `mul` has x and what its channels are scaled by, [n, channels, 1, 1]. */
  readonly op: Op
  /** Its output's too. */
  readonly name: string
  /** Names of nodes before it, or `GRAPH_INPUT`. */
  readonly inputs: readonly string[]
  /** torchvision's class of the module that has several layers and ends with this one, where it has one that is no mere sequence. */
  readonly module?: ModuleType
}

export type ModuleType = 'SqueezeExcitation' | 'ResBottleneckBlock'

/** Names of tensors are those of the state_dict. */
export interface ConvNode extends Node<'conv'> {
  readonly weight: string
  readonly bias?: string
  /** Height and width. */
  readonly kernel: number
  readonly stride: number
  /** On each side. */
  readonly padding: number
  readonly groups: number
}

export interface BatchNormNode extends Node<'batch-norm'> {
  readonly weight: string
  readonly bias: string
  readonly runningMean: string
  readonly runningVar: string
  /** Added to the variance. */
  readonly eps: number
}

export interface ActivationNode extends Node<'activation'> {
  readonly type: 'relu' | 'sigmoid'
}

export interface LinearNode extends Node<'linear'> {
  readonly weight: string
  readonly bias: string
}

/** What a tensor of a model is for. */
export interface TensorUse {
  /** Of a convolution or a linear layer (`weight`, `bias`), of a norm (its scale or shift), or not trained (`buffer`). */
  readonly role: 'weight' | 'bias' | 'norm' | 'buffer'
  /** Whether it is of the layer that gives the logits. */
  readonly head: boolean
}
