/// <reference types="node" />
// Plain JavaScript, so that no loader weighs on what is measured: a process that loads an engine, trains batches of a stored case and
// says how long that took since its first line, and how much memory it then holds.
// Arguments are the engine's name, the case's folder and the number of batches.
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const [engineName = "", folder = "", count = ""] = process.argv.slice(2);
const batches = Number(count);

const began = performance.now();
/** @typedef {import("@stampede/core").Field} Field */
/** @type {{ definition: import("@stampede/core").ModelDefinition, batchSize: number, rows: number, fields: { file: string, field: Field }[] }} */
const { definition, batchSize, fields, rows } = JSON.parse(readFileSync(join(folder, "case.json"), "utf8"));
const { graphNamesFor } = await import("@stampede/core");
const { createEngine } = await import("@stampede/runtime");
const { EngineName, decodeSafetensors, tensorOf, viewOf, bytesPerElement } = await import("@stampede/core");

const data = {
  rows,
  fields: fields.map(({ file, field }) => {
    const { buffer, byteOffset, byteLength } = readFileSync(join(folder, file));
    const values = viewOf(field.storage, buffer, byteOffset, byteLength / bytesPerElement[field.storage]);
    return { field, tensor: tensorOf(values, [rows, ...field.storedShape]) };
  }),
};
const { tensors } = decodeSafetensors(new Uint8Array(readFileSync(join(folder, "weights.safetensors"))), "weights");
const engine = await createEngine(EngineName.parse(engineName));
// As an executor takes them from its job; other engines do not ask.
const graphs = {
  /** @param {import("@stampede/core").GraphRequest} request */
  load: (request) =>
    readFile(join(folder, `${graphNamesFor(request).find((name) => existsSync(join(folder, `${name}.onnx`)))}.onnx`)),
};
const session = await engine.open(definition, graphs);
await session.load(tensors);
const order = Uint32Array.from({ length: batches * batchSize }, (_, row) => row);
await session.train({ data, order, batchSize, fromBatch: 0, toBatch: batches, randomKey: 1 });
const ms = performance.now() - began;
process.send?.({ ms, bytes: process.memoryUsage().rss });
session.close();
process.disconnect?.();
