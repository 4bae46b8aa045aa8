import { refuseUnbounded, StampedeError } from "@stampede/core";
import * as z from "zod";

/** A `model.json` of a hundred layers has some 50 KB. */
const maxBytes = 4 * 2 ** 20;
/** A model within a model lies four levels deeper. */
const bounds = { maxDepth: 100, maxValues: 500_000 } as const;

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
  refuseUnbounded(value, bounds, refuse);
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
