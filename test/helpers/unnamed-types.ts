import { dirname, join } from 'node:path'
import ts from 'typescript'

/**
 * Types that the signatures of a module's exports name, and that it does not export: a user cannot write them down.
 *
 * @param index a TypeScript file
 * @returns `EXPORT: TYPE`, the first export alone that names a type
 */
export function unnamedTypes(index: string, options: ts.CompilerOptions): string[] {
  const declared = declarationsOf(index, options)
  const program = ts.createProgram([declared.index], { ...options, noEmit: true }, declared.host)
  const checker = program.getTypeChecker()
  const resolve = (symbol: ts.Symbol): ts.Symbol => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol)
  const module = checker.getSymbolAtLocation(program.getSourceFile(declared.index)!)!
  const exported = new Map(checker.getExportsOfModule(module).map((symbol) => [resolve(symbol), symbol.name]))
  const missing = new Map<string, string>()
  const visit = (node: ts.Node, from: string): void => {
    const name = nameIn(node)
    const symbol = name && checker.getSymbolAtLocation(name)
    if (symbol) {
      const named = resolve(symbol)
      const ours = named.declarations?.some((each) => declared.files.has(each.getSourceFile().fileName)) ?? false
      const isType = (named.flags & TYPES) !== 0
      if (ours && isType && !exported.has(named) && !missing.has(named.name)) missing.set(named.name, from)
    }
    ts.forEachChild(node, (child) => visit(child, from))
  }
  for (const [symbol, name] of exported) for (const declaration of symbol.declarations ?? []) visit(declaration, name)
  return [...missing].map(([type, from]) => `${from}: ${type}`).sort()
}

const TYPES = ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias | ts.SymbolFlags.Enum

/** What stands for a type at this place, if anything does: a reference, a heritage clause, `import('…').Type`. */
function nameIn(node: ts.Node): ts.Node | undefined {
  if (ts.isTypeReferenceNode(node)) return node.typeName
  if (ts.isExpressionWithTypeArguments(node)) return node.expression
  if (ts.isImportTypeNode(node)) return node.qualifier
  return undefined
}

/** The declaration files that a user of a module gets, in memory. */
function declarationsOf(index: string, options: ts.CompilerOptions) {
  const files = new Map<string, string>()
  const host = cachingHost(options)
  const compiled = ts.createProgram([index], { ...options, declaration: true, emitDeclarationOnly: true, noEmit: false }, host)
  compiled.emit(undefined, (name, text) => files.set(name, text))
  const disk = { ...host }
  host.fileExists = (name) => files.has(name) || disk.fileExists(name)
  host.readFile = (name) => files.get(name) ?? disk.readFile(name)
  host.getSourceFile = (name, how) => {
    const text = files.get(name)
    return text === undefined ? disk.getSourceFile(name, how) : ts.createSourceFile(name, text, how)
  }
  delete host.directoryExists // files in memory lie in folders that are not there
  return { files, host, index: join(options.outDir ?? dirname(index), 'index.d.ts') }
}

/** Parses each file once: those of TypeScript and Node are most of the work. */
function cachingHost(options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const parsed = new Map<string, ts.SourceFile | undefined>()
  const disk = { ...host }
  host.getSourceFile = (name, how) => {
    if (!parsed.has(name)) parsed.set(name, disk.getSourceFile(name, how))
    return parsed.get(name)
  }
  return host
}
