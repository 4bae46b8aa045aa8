import { parseSync, Visitor, type ImportDeclarationSpecifier, type Program } from "oxc-parser";

/** Something at a line (1-based) of a source file. */
interface Use {
  readonly what: string;
  readonly line: number;
}

export interface ImportUse extends Use {
  /** Imported names whose values are used; `*` stands for all of them. Empty when only types are imported. */
  readonly values: readonly string[];
}

/** What the fences need to know of one source file. */
export interface SourceFacts {
  /** Every module named in an import, an export, `import()`, `import("...").Type` or `new URL("./...", import.meta.url)`. */
  readonly imports: readonly ImportUse[];
  /** `export * from`. */
  readonly starExports: readonly Use[];
  /** Uses of a clock, of randomness, of timers, of the network or of the process. */
  readonly impureUses: readonly Use[];
}

const impureGlobals: ReadonlySet<string> = new Set([
  "clearInterval",
  "clearTimeout",
  "crypto",
  "fetch",
  "performance",
  "process",
  "setImmediate",
  "setInterval",
  "setTimeout",
  "WebSocket",
  "Worker",
]);
const impureMembers: ReadonlySet<string> = new Set(["Date.now", "Math.random"]);

/** Parses a TypeScript or JavaScript module. Throws when it does not parse. */
export function sourceFacts(path: string, text: string): SourceFacts {
  const { program, errors } = parseSync(path, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`);
  const lineAt = (offset: number): number => text.slice(0, offset).split("\n").length;
  return { ...moduleUses(program, lineAt), impureUses: impureUses(program, lineAt) };
}

type LineAt = (offset: number) => number;

function moduleUses(program: Program, lineAt: LineAt): Pick<SourceFacts, "imports" | "starExports"> {
  const imports: ImportUse[] = [];
  const starExports: Use[] = [];
  const add = (what: string, start: number, values: readonly string[]): void => {
    imports.push({ what, line: lineAt(start), values });
  };
  new Visitor({
    ImportDeclaration(node) {
      const bare = node.specifiers.length === 0;
      const values = node.importKind === "type" ? [] : node.specifiers.flatMap(valueNameOf);
      add(node.source.value, node.start, bare ? ["*"] : values);
    },
    ExportNamedDeclaration(node) {
      if (node.source === null) return;
      add(node.source.value, node.start, node.exportKind === "type" ? [] : ["*"]);
    },
    ExportAllDeclaration(node) {
      add(node.source.value, node.start, node.exportKind === "type" ? [] : ["*"]);
      starExports.push({ what: node.source.value, line: lineAt(node.start) });
    },
    ImportExpression(node) {
      const { source } = node;
      if (source.type === "Literal" && typeof source.value === "string") add(source.value, node.start, ["*"]);
    },
    TSImportType(node) {
      add(node.source.value, node.start, []);
    },
    NewExpression(node) {
      const [target, base] = node.arguments;
      if (node.callee.type !== "Identifier" || node.callee.name !== "URL" || base === undefined) return;
      if (target?.type === "Literal" && typeof target.value === "string") add(target.value, node.start, ["*"]);
    },
  }).visit(program);
  return { imports, starExports };
}

function valueNameOf(specifier: ImportDeclarationSpecifier): readonly string[] {
  if (specifier.type !== "ImportSpecifier") return ["*"];
  if (specifier.importKind === "type") return [];
  const { imported } = specifier;
  return [imported.type === "Identifier" ? imported.name : imported.value];
}

/**
 * Works on names, without scopes: a local that bears the name of an impure global is reported as well, and needs another name.
 */
function impureUses(program: Program, lineAt: LineAt): readonly Use[] {
  const uses: Use[] = [];
  const memberNames = new WeakSet<object>();
  const add = (what: string, start: number): void => {
    uses.push({ what, line: lineAt(start) });
  };
  const keyed = (node: { readonly computed: boolean; readonly key: object }): void => {
    if (!node.computed) memberNames.add(node.key);
  };
  new Visitor({
    MemberExpression(node) {
      if (node.computed) return;
      memberNames.add(node.property);
      if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
      const what = `${node.object.name}.${node.property.name}`;
      if (impureMembers.has(what)) add(what, node.start);
    },
    Property: keyed,
    MethodDefinition: keyed,
    PropertyDefinition: keyed,
    TSPropertySignature: keyed,
    TSMethodSignature: keyed,
    TSTypeReference(node) {
      memberNames.add(node.typeName);
    },
    Identifier(node) {
      if (impureGlobals.has(node.name) && !memberNames.has(node)) add(node.name, node.start);
    },
    CallExpression(node) {
      if (node.callee.type === "Identifier" && node.callee.name === "Date") add("Date()", node.start);
    },
    NewExpression(node) {
      const isClock = node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0;
      if (isClock) add("new Date()", node.start);
    },
  }).visit(program);
  return uses;
}
