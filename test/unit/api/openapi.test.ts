import { openApiDocument, operations } from "@stampede/api/contract";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { apiWorld } from "../../support/api.js";

const document = openApiDocument("0.1.0");
const text = JSON.stringify(document);

describe("the OpenAPI document", () => {
  it("is served, and has every operation once", async () => {
    const served = await (await apiWorld().fetch("/openapi.json")).json();
    expect(served).toEqual(JSON.parse(text));
    const Paths = z.record(z.string(), z.record(z.string(), z.looseObject({ operationId: z.string() })));
    const { paths } = z.looseObject({ paths: Paths }).parse(document);
    const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(ids.toSorted()).toEqual(Object.keys(operations).toSorted());
  });

  it("refers to nothing that it does not have", () => {
    const { components } = z
      .looseObject({ components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }) })
      .parse(document);
    const named = Object.keys(components.schemas);
    const wanted = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect(text.match(/"\$ref":/g)).toHaveLength(wanted.length);
    expect([...new Set(wanted)].filter((name) => name === undefined || !named.includes(name))).toEqual([]);
  });

  it("wants a token for everything but health and itself", () => {
    const open = Object.entries(operations).filter(([, { scope }]) => scope === "none");
    expect(open.map(([name]) => name)).toEqual(["health", "describe"]);
  });
});
