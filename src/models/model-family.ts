/** Models that share a module tree. The addon's own row of a family is in `native/torch/models/registry.cc`. */
export interface ModelFamily {
  /** As people call it. */
  readonly name: string
  /** Names of its models, in the addon's order: types take them literally, so they are here too. */
  readonly names: readonly [string, ...string[]]
  /** Weights that come with the package, by model. */
  readonly shippedWeights: Readonly<Record<string, string>>
  /** What the first weight is called, by torchvision and then by others: where it stands tells a state_dict's prefix. */
  readonly firstWeights: readonly [string, ...string[]]
  /** Names that others give its tensors. */
  readonly schemes: readonly NamingScheme[]
}

export interface NamingScheme {
  /** "timm’s" */
  readonly whose: string
  /** A name that only this one has. */
  readonly own: RegExp
  readonly toTorchvision: (name: string) => string
}
