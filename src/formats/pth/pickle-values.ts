/**
 * What a pickle may hold here. Lists are arrays, tuples are `PickleTuple`s, dicts are `PickleDict`s; whatever REDUCE and
 * persistent ids stand for is made by the handlers. Parts may be shared, and may hold themselves: whoever walks a value
 * needs a limit.
 */
export class PickleTuple {
  readonly items: readonly unknown[]

  constructor(items: readonly unknown[]) {
    this.items = items
  }
}

/** Python takes a few more kinds of keys; nothing here looks entries up by those, and they are left out. */
export type PickleKey = string | number | bigint

export class PickleDict extends Map<PickleKey, unknown> {
  /** Made by `collections.OrderedDict()`. */
  readonly ordered: boolean

  constructor(ordered = false) {
    super()
    this.ordered = ordered
  }
}

/** A name that the pickle asks for: never looked up, only compared. */
export class PickleGlobal {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** An object that is known and not needed, such as a device or a set: what it is, and nothing of what it holds. */
export class PickleObject {
  /** "a set" */
  readonly what: string

  constructor(what: string) {
    this.what = what
  }
}
