import * as z from "zod";

type Schema = z.core.$ZodType;
type ObjectSchema = z.ZodObject<Readonly<Record<string, Schema>>>;
export type Path = readonly PropertyKey[];

/**
 * The names that are allowed in the object at `path`; none when there is no object. Where the schema has branches, those count
 * that fit `value`.
 */
export function namesAt(schema: Schema, value: unknown, path: Path): readonly string[] {
  return [...new Set(objectsAt(schema, value, path).flatMap(({ shape }) => Object.keys(shape)))];
}

/** Where else a name is allowed: the fields of the object at `path` whose own objects have it. */
export function parentsOf(name: string, schema: Schema, value: unknown, path: Path): readonly string[] {
  return objectsAt(schema, value, path).flatMap(({ shape }) =>
    Object.keys(shape).filter((field) => namesAt(schema, value, [...path, field]).includes(name)),
  );
}

/** The value at `path`, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((inner, step) => {
    if (typeof inner !== "object" || inner === null) return undefined;
    const child: unknown = Object.getOwnPropertyDescriptor(inner, step)?.value;
    return child;
  }, value);
}

function objectsAt(schema: Schema, value: unknown, path: Path): readonly ObjectSchema[] {
  let schemas = branchesOf(schema, value);
  for (const [depth, step] of path.entries()) {
    const child = valueAt(value, path.slice(0, depth + 1));
    schemas = schemas.flatMap((parent) => childrenOf(parent, step)).flatMap((next) => branchesOf(next, child));
  }
  return schemas.filter(isObject);
}

/** What is left of a schema without its wrappers: itself, or the branches of a union that fit the value. */
function branchesOf(schema: Schema, value: unknown): readonly Schema[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  ) {
    return branchesOf(schema.unwrap(), value);
  }
  if (!(schema instanceof z.ZodUnion)) return [schema];
  const branches = schema.options.flatMap((option) => branchesOf(option, value));
  const fitting = branches.filter((branch) => fits(branch, value));
  return fitting.length > 0 ? fitting : branches;
}

/** Whether a branch of a union was meant: it is for lists, or for objects with these literal fields (the discriminator). */
function fits(branch: Schema, value: unknown): boolean {
  if (branch instanceof z.ZodArray) return Array.isArray(value);
  if (!isObject(branch) || Array.isArray(value)) return false;
  return Object.entries(branch.shape).every(
    ([name, field]) => !(field instanceof z.ZodLiteral) || field.safeParse(valueAt(value, [name])).success,
  );
}

function isObject(schema: Schema): schema is ObjectSchema {
  return schema instanceof z.ZodObject;
}

function childrenOf(schema: Schema, step: PropertyKey): readonly Schema[] {
  if (schema instanceof z.ZodArray) return [schema.element];
  if (schema instanceof z.ZodRecord) return [schema.valueType];
  const field = isObject(schema) && Object.hasOwn(schema.shape, step) ? schema.shape[String(step)] : undefined;
  return field === undefined ? [] : [field];
}
