import * as z from "zod";
import type { Operation, Reply } from "./operation.js";
import { operations } from "./operations.js";
import { namedSchemas, Problem } from "./schemas.js";

const JsonObject = z.record(z.string(), z.unknown());
type Json = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 document of the endpoint. Its schemas are those that requests are checked with. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  const schemas = new Schemas();
  for (const [name, each] of Object.entries<Operation>(operations)) {
    paths[each.path] = { ...paths[each.path], [each.method]: describe(name, each, schemas) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Stampede", version, description: "Serverless data-parallel training for Keras-style models" },
    paths,
    components: {
      schemas: schemas.named(),
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

function describe(operationId: string, described: Operation, schemas: Schemas): Json {
  const { scope, summary, params, query, headers, body, bytes, replies } = described;
  const parameters = [
    ...parametersIn("path", params, schemas),
    ...parametersIn("query", query, schemas),
    ...parametersIn("header", headers, schemas),
  ];
  const content =
    body === undefined
      ? { "application/octet-stream": {} }
      : { "application/json": { schema: schemas.of(body.schema, "input") } };
  const problem = { "application/problem+json": { schema: schemas.of(Problem, "output") } };
  return {
    operationId,
    summary,
    ...(scope !== "none" && { security: [{ token: [] }], "x-scope": scope }),
    ...(parameters.length > 0 && { parameters }),
    ...((body !== undefined || bytes === true) && { requestBody: { required: true, content } }),
    responses: {
      ...Object.fromEntries(Object.entries(replies).map(([status, reply]) => [status, replyOf(reply, schemas)])),
      default: { description: "What went wrong, as RFC 9457 has it", content: problem },
    },
  };
}

function replyOf(reply: Reply, schemas: Schemas): Json {
  const description = reply.what;
  if ("json" in reply) {
    return { description, content: { "application/json": { schema: schemas.of(reply.json, "output") } } };
  }
  if ("types" in reply) return { description, content: Object.fromEntries(reply.types.map((type) => [type, {}])) };
  return { description };
}

function parametersIn(
  place: "path" | "query" | "header",
  object: z.ZodObject | undefined,
  schemas: Schemas,
): readonly Json[] {
  return Object.entries<z.core.$ZodType>(object?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: place,
    required: place === "path",
    schema: schemas.of(schema, "input"),
  }));
}

const components = "#/components/schemas/";

/** The schemas of the document: named ones stand under `components`, and are referred to. */
class Schemas {
  readonly #names = new Map(Object.entries<z.core.$ZodType>(namedSchemas).map(([name, schema]) => [schema, name]));
  readonly #named: Record<string, Json> = {};

  of(schema: z.core.$ZodType, io: "input" | "output"): Json {
    const name = this.#names.get(schema);
    if (name === undefined) return this.#convert(schema, io);
    this.#named[name] ??= this.#convert(schema, io);
    return { $ref: `${components}${name}` };
  }

  named(): Json {
    // What is not a request or a reply of its own: the events of a stream.
    this.of(namedSchemas.JobEvent, "output");
    return this.#named;
  }

  /** The only schema that refers to itself is that of any JSON value. */
  #convert(schema: z.core.$ZodType, io: "input" | "output"): Json {
    const { $schema: _, $defs, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
    const [[inner, json] = []] = Object.entries($defs ?? {});
    if (inner === undefined) return rest;
    const renamed = (value: unknown): Json =>
      JsonObject.parse(JSON.parse(JSON.stringify(value).replaceAll(`"#/$defs/${inner}"`, `"${components}JsonValue"`)));
    this.#named["JsonValue"] ??= renamed(json);
    return renamed(rest);
  }
}
