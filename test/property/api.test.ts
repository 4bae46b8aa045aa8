import { openApiDocument } from "@stampede/api/contract";
import { keys, tensorOf } from "@stampede/core";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { apiWorld, digitsJob, posted, type ApiWorld } from "../support/api.js";
import { storePartitions } from "../support/datasets.js";
import { fitting, hostile, near, Schema, type Schemas } from "../support/from-openapi.js";
import { makeJobSpec } from "../support/job-specs.js";
import { World } from "../support/world.js";

const Content = z.record(z.string(), z.looseObject({ schema: z.unknown().optional() }));
const Method = z.looseObject({
  operationId: z.string(),
  parameters: z
    .array(z.looseObject({ name: z.string(), in: z.enum(["path", "query", "header"]), schema: Schema }))
    .default([]),
  requestBody: z.looseObject({ content: Content }).optional(),
  responses: z.record(z.string(), z.looseObject({ content: Content.optional() })),
});
const Document = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), Method)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});
type Method = z.infer<typeof Method>;

const document = Document.parse(JSON.parse(JSON.stringify(openApiDocument("0.1.0"))));
const named: Schemas = document.components.schemas;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([verb, method]) => ({ path, verb: verb.toUpperCase(), method, id: method.operationId })),
);

let world: ApiWorld;
let authorization: Record<string, string>;
beforeAll(async () => {
  // A job that has ended and one that is yet to be prepared, so that there is something to be found.
  const trained = new World();
  const { dataset } = await storePartitions(trained.store, [4, 4]);
  const spec = makeJobSpec({ dataset, partitionRows: [4, 4] });
  await trained.submit(spec, new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]));
  await trained.run(spec, () => false);
  world = apiWorld({ store: trained.store, limits: { streamMs: 1 } });
  authorization = await world.token("admin");
  await world.fetch("/v1/jobs", posted(digitsJob(), authorization));
  expect(await trained.store.head(keys.result(spec.job))).toBeDefined();
});

interface Ask {
  readonly url: string;
  readonly init: RequestInit;
}

const digits = { data: { format: "builtin", name: "digits" } };
/** Bodies that are taken. */
const good: Readonly<Record<string, unknown>> = {
  submitJob: digitsJob(),
  evaluateModel: digits,
  predictModel: digits,
  startUpload: { name: "points.csv", bytes: 4 },
};

function bodies(id: string, schema: unknown): fc.Arbitrary<unknown> {
  const known = good[id];
  const fromSchema = hostile(schema, named);
  return known === undefined ? fromSchema : fc.oneof(fromSchema, fc.constant(known), near(known));
}

/** A request for an operation: with what fits the document, or with what somebody hostile makes of it. */
function asks(path: string, verb: string, { operationId, parameters, requestBody }: Method): fc.Arbitrary<Ask> {
  const odd = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom("..", "%2e%2e", "null", "0", "-1", "a/b", "é", " "),
  );
  const values = parameters.map((each) =>
    fc.tuple(
      fc.constant(each),
      fc.oneof({ weight: 4, arbitrary: fitting(each.schema, named) }, { weight: 1, arbitrary: odd }),
      fc.boolean(),
    ),
  );
  const schema = requestBody?.content["application/json"]?.schema;
  const json = schema === undefined ? fc.constant(undefined) : bodies(operationId, schema);
  return fc.tuple(fc.tuple(...values), json, fc.uint8Array({ maxLength: 50 })).map(([chosen, body, bytes]) => {
    let url = path;
    const query = new URLSearchParams();
    const headers: Record<string, string> = { ...authorization };
    for (const [{ name, in: place }, value, isGiven] of chosen) {
      const text = String(value);
      if (place === "path") url = url.replace(`{${name}}`, encodeURIComponent(text));
      else if (place === "query" && isGiven) query.set(name, text);
      else if (place === "header" && isGiven && /^[\x20-\x7e]*$/.test(text)) headers[name] = text;
    }
    const search = query.size === 0 ? "" : `?${query.toString()}`;
    if (requestBody === undefined) return { url: url + search, init: { method: verb, headers } };
    const sent = body === undefined ? Buffer.from(bytes) : JSON.stringify(body);
    const type = body === undefined ? "application/octet-stream" : "application/json";
    return { url: url + search, init: { method: verb, body: sent, headers: { ...headers, "Content-Type": type } } };
  });
}

const replySchemas = new Map<string, z.ZodType>();

/** A reply's schema of the document, as something that checks. */
function checkerOf(schema: unknown): z.ZodType {
  const text = JSON.stringify(schema);
  const known = replySchemas.get(text);
  if (known !== undefined) return known;
  const whole = { ...Schema.parse(schema), $defs: named };
  const own = Schema.parse(JSON.parse(JSON.stringify(whole).replaceAll("#/components/schemas/", "#/$defs/")));
  const made = z.fromJSONSchema(own as Parameters<typeof z.fromJSONSchema>[0]);
  replySchemas.set(text, made);
  return made;
}

async function check({ responses }: Method, response: Response): Promise<void> {
  expect(response.status).toBeLessThan(500);
  const described = responses[String(response.status)] ?? responses["default"];
  const isProblem = response.status >= 400;
  if (!isProblem) expect(Object.keys(responses)).toContain(String(response.status));
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const content = described?.content;
  if (content === undefined) return expect(await response.text()).toBe("");
  expect(Object.keys(content)).toContain(type);
  const schema = content[type]?.schema;
  const text = await response.text();
  if (schema !== undefined) expect(checkerOf(schema).safeParse(JSON.parse(text)).error?.issues).toBeUndefined();
}

async function isRefused({ url, init }: Ask): Promise<void> {
  const headers = new Headers(init.headers);
  headers.delete("authorization");
  // A path that is another one, or none, is not there for anybody.
  expect([401, 404]).toContain((await world.fetch(url, { ...init, headers })).status);
}

describe("whatever is asked for, as the OpenAPI document has it or not", () => {
  it.each(operations)(
    "$id answers as the document says, and never with an error of its own",
    async ({ path, verb, method }) => {
      await fc.assert(
        fc.asyncProperty(asks(path, verb, method), async ({ url, init }) => {
          await check(method, await world.fetch(url, init));
        }),
        { numRuns: 150, seed: 20261128 },
      );
    },
  );

  it("is answered with 401 without a token, before anything of it is looked at", async () => {
    const guarded = operations.filter(({ method }) => method["security"] !== undefined);
    expect(guarded).toHaveLength(operations.length - 2);
    for (const { path, verb, method } of guarded) {
      await fc.assert(fc.asyncProperty(asks(path, verb, method), isRefused), { numRuns: 20, seed: 20261128 });
    }
  });
});
