import { StampedeError } from "@stampede/core";
import * as z from "zod";

/** A `model.json` of a hundred layers has some 50 KB. */
const maxBytes = 4 * 2 ** 20;
/** A model within a model lies four levels deeper. */
const maxDepth = 100;
/** Objects, lists and what they hold. Shared parts of a program's value count each time. */
const maxValues = 500_000;
/** Names under which a careless program reaches what all objects share. */
const refusedNames: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

const JsonObject = z.record(z.string(), z.json());
type JsonObject = z.infer<typeof JsonObject>;

/**
 * A model as somebody else gives it, in the form of tfjs' `model.json`: that, or what Keras' `to_json()` writes. Bounded in size and depth,
 * so that whoever reads it later may do so without care. Whether it is a model that can be built is not looked at.
 *
 * @param json the text or the parsed value
 * @throws StampedeError `model.invalid` for what is no JSON object, too large, too deep, or names what no model has to
 */
export function modelJsonOf(json: unknown): JsonObject {
  const value = typeof json === "string" ? parsed(json) : json;
  refuseUnbounded(value);
  const found = JsonObject.safeParse(value);
  if (!found.success) throw refuse("a JSON object", found.error.issues[0]?.message ?? "another value");
  const bytes = Buffer.byteLength(JSON.stringify(found.data));
  if (bytes > maxBytes) throw tooLarge(bytes);
  return asTfjs(found.data);
}

function parsed(text: string): unknown {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw tooLarge(bytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refuse("JSON", String(cause), cause);
  }
}

/** Without recursion, which a deep value would not survive. */
function refuseUnbounded(root: unknown): void {
  let level: readonly unknown[] = [root];
  let values = 1;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxDepth) throw refuse(`at most ${maxDepth} levels of lists and objects in each other`, "more");
    const next: unknown[] = [];
    for (const value of level) {
      const parts = partsOf(value);
      values += parts.length;
      if (values > maxValues) throw refuse(`at most ${maxValues} values`, "more");
      for (const part of parts) if (typeof part === "object") next.push(part);
    }
    level = next;
  }
}

function partsOf(value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value;
  const name = Object.keys(value).find((each) => refusedNames.has(each));
  if (name !== undefined) throw refuse(`no entry named "${name}"`, "one");
  return Object.values(value);
}

/** Keras writes the model alone, tfjs with what goes with it. */
function asTfjs(json: JsonObject): JsonObject {
  const isKeras = json["modelTopology"] === undefined && typeof json["class_name"] === "string";
  // It writes layers, types and connections in another way, which tfjs does not read.
  if (isKeras && json["module"] !== undefined) throw refuse("or as Keras 2 writes it", "that of Keras 3");
  return isKeras ? { modelTopology: json } : json;
}

function tooLarge(bytes: number): StampedeError {
  return refuse(`at most ${maxBytes} bytes without the weights`, String(bytes));
}

function refuse(expected: string, found: string, cause?: unknown): StampedeError {
  const message = `Expected the model as tfjs' model.json (${expected}), found ${found}. Nothing was started.`;
  return new StampedeError("model.invalid", message, { cause });
}
