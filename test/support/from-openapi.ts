import * as fc from "fast-check";
import * as z from "zod";

/** A JSON schema, as far as the document uses it. */
export const Schema = z.looseObject({
  $ref: z.string().optional(),
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  additionalProperties: z.unknown().optional(),
  items: z.unknown().optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
});
export type Schema = z.infer<typeof Schema>;

export type Schemas = Readonly<Record<string, unknown>>;

const maxDepth = 8;

/** Values that fit a schema. Patterns are met by examples; values deeper than any test needs are null. */
export function fitting(given: unknown, named: Schemas, depth = 0): fc.Arbitrary<unknown> {
  const schema = Schema.parse(given);
  if (depth > maxDepth) return fc.constant(null);
  if (schema.$ref !== undefined) return fitting(named[schema.$ref.split("/").at(-1) ?? ""], named, depth + 1);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return fc.oneof(...branches.map((each) => fitting(each, named, depth + 1)));
  switch (schema.type) {
    case "object":
      return objects(schema, named, depth);
    case "array":
      return arrays(schema, named, depth);
    case "string":
      return texts(schema);
    case "integer":
      return fc.integer({ min: Math.ceil(least(schema)), max: Math.floor(most(schema)) });
    case "number":
      return fc.double({ min: least(schema), max: most(schema), noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case undefined:
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objects({ properties = {}, required = [], additionalProperties }: Schema, named: Schemas, depth: number) {
  const known = Object.fromEntries(
    Object.entries(properties).map(([name, inner]) => [name, fitting(inner, named, depth + 1)]),
  );
  const fixed = fc.record(known, { requiredKeys: required });
  if (typeof additionalProperties !== "object" || additionalProperties === null) return fixed;
  const names = fc.string({ minLength: 1, maxLength: 8 });
  return fc.dictionary(names, fitting(additionalProperties, named, depth + 1), { maxKeys: 3 });
}

function arrays({ items, minItems = 0 }: Schema, named: Schemas, depth: number): fc.Arbitrary<unknown> {
  return fc.array(fitting(items ?? {}, named, depth + 1), { minLength: minItems, maxLength: minItems + 2 });
}

/** What fits the patterns of the document. */
const examples = [
  "job-1",
  "a",
  "0123456789abcdef",
  "0123456789abcdef0123456789abcdef",
  "points.csv",
  "upload://0123456789abcdef0123456789abcdef/points.csv",
  "17",
  "end",
  "a-key",
];

function texts({ pattern, minLength = 0, maxLength = 20 }: Schema): fc.Arbitrary<string> {
  if (pattern === undefined) return fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 20) });
  const matches = new RegExp(pattern);
  const known = examples.filter((text) => matches.test(text));
  if (known.length === 0) throw new Error(`no example matches ${pattern}`);
  return fc.constantFrom(...known);
}

function least({ minimum, exclusiveMinimum }: Schema): number {
  return minimum ?? (exclusiveMinimum === undefined ? -1000 : exclusiveMinimum + 1e-6);
}

function most({ maximum, exclusiveMaximum, ...rest }: Schema): number {
  const limit = maximum ?? (exclusiveMaximum === undefined ? 1000 : exclusiveMaximum - 1e-6);
  return Math.max(least(rest), Math.min(limit, 1_000_000_000));
}

/** Values that fit, and values of which something was changed so that they may not. */
export function hostile(schema: unknown, named: Schemas): fc.Arbitrary<unknown> {
  const fits = fitting(schema, named);
  return fc.oneof(
    { weight: 3, arbitrary: fits },
    { weight: 2, arbitrary: changed(fits) },
    fc.jsonValue({ maxDepth: 4 }),
  );
}

function changed(fits: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const nasty = fc.constantFrom<unknown>(
    null,
    -1,
    1e308,
    "",
    "__proto__",
    "../../x",
    [],
    {},
    true,
    "s3://x/y",
    "x".repeat(5000),
  );
  const names = fc.constantFrom("name", "data", "training", "extra", "__proto__", "constructor", "version", "model");
  return fc.tuple(fits, names, nasty).map(([value, name, other]) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return other;
    const copy: Record<string, unknown> = { ...value };
    // As JSON.parse makes it: an entry of its own.
    Object.defineProperty(copy, name, { value: other, enumerable: true, configurable: true, writable: true });
    return copy;
  });
}

/** A value of which one part, at any depth, is another. */
export function near(value: unknown): fc.Arbitrary<unknown> {
  const paths = pathsIn(value);
  return fc
    .tuple(
      fc.constantFrom(...paths),
      fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom<unknown>(0, -1, 1e9, "", [], {})),
    )
    .map(([path, other]) => replaced(value, path, other));
}

function pathsIn(value: unknown): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [[]];
  return Object.entries(value).flatMap(([name, inner]) => [[name], ...pathsIn(inner).map((path) => [name, ...path])]);
}

function replaced(value: unknown, [name, ...rest]: readonly string[], other: unknown): unknown {
  if (name === undefined) return other;
  if (Array.isArray(value)) {
    return value.map((each, index) => (String(index) === name ? replaced(each, rest, other) : each));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key === name ? replaced(inner, rest, other) : inner]),
  );
}
