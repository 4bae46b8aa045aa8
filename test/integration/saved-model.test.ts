import { cp, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate, localCluster, ServerlessModel, type LocalCluster } from "@stampede/client";
import { sha256Hex } from "@stampede/core";
import { mul } from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linearModel, valuesOf } from "../support/client-jobs.js";
import { Doubling, scaledError } from "../support/custom-parts.js";
import { linearRows } from "../support/linear-rows.js";

let home = "";
let cluster: LocalCluster;
let copies = 0;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "stampede-saved-"));
  cluster = localCluster({ home: join(home, "store"), threads: 1 });
  await save("plain", linearModel());
  await save("custom", customModel());
});
afterAll(async () => {
  await cluster.close();
  await rm(home, { recursive: true });
});

async function save(name: string, model: LayersModel): Promise<void> {
  const distributed = new ServerlessModel(model, { cluster, executors: 1 });
  await distributed.fit(linearRows(12, 3), { epochs: 1, batchSize: 8 });
  await distributed.save(join(home, name));
}

function customModel(): LayersModel {
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] }), new Doubling({ name: "twice" })] });
  model.compile({ optimizer: "sgd", loss: scaledError });
  return model;
}

/** A copy of a saved model, to be changed. */
async function copyOf(name: string): Promise<string> {
  copies += 1;
  const folder = join(home, `${name}-${copies}`);
  await cp(join(home, name), folder, { recursive: true });
  return folder;
}

const load = (folder: string): Promise<ServerlessModel> => ServerlessModel.load(folder, { cluster });

interface Notes {
  weightsSha256: string;
  notesSha256?: string;
  files?: { name: string; bytes: number; sha256: string }[];
}

async function changeNotes(folder: string, change: (notes: Notes) => void): Promise<void> {
  const path = join(folder, "stampede.json");
  const notes = JSON.parse(await readFile(path, "utf8")) as Notes;
  change(notes);
  await writeFile(path, JSON.stringify(notes));
}

/** As if it had been saved like that. */
function seal(notes: Notes): void {
  const { notesSha256, ...rest } = notes;
  notes.notesSha256 = sha256Hex(JSON.stringify(rest));
}

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

const refused = (code: string, ...parts: readonly string[]): object => ({
  code,
  message: expect.toSatisfy((message: string) => parts.every((part) => message.includes(part))),
});

describe("a saved model", () => {
  it.each(["weights.bin", "model.json", "graphs/predict.onnx"])("is refused with one wrong bit in %s", async (name) => {
    const folder = await copyOf("custom");
    await flip(join(folder, name));
    const parts = [`Expected ${join(folder, name)} as it was saved (SHA-256 `, "found other bytes", '"files"'];
    await expect(load(folder)).rejects.toMatchObject(refused("model.invalid", ...parts));
  });

  it.each([
    ["a value", '"rounds": 1', '"rounds": 3'],
    ["a key", '"rounds"', '"roundr"'],
    ["the list's key", '"files"', '"filer"'],
    ["the seal's key", '"notesSha256"', '"notesSha257"'],
    ["the syntax", '"rounds": 1', '"rounds": q'],
  ])("is refused with %s of its notes changed", async (_, from, to) => {
    const folder = await copyOf("plain");
    const path = join(folder, "stampede.json");
    const text = await readFile(path, "utf8");
    expect(text).toContain(from);
    await writeFile(path, text.replace(from, to));
    await expect(load(folder)).rejects.toMatchObject(refused("model.invalid", path));
  });

  it("is read with its notes laid out in another way", async () => {
    const folder = await copyOf("plain");
    await changeNotes(folder, () => undefined);
    expect(valuesOf((await load(folder)).model)).toEqual(valuesOf((await load(join(home, "plain"))).model));
  });

  it("names a weight file that is gone", async () => {
    const folder = await copyOf("plain");
    await rm(join(folder, "weights.bin"));
    await expect(load(folder)).rejects.toMatchObject(refused("model.not-readable", join(folder, "weights.bin")));
  });

  it("is refused with a file that is not in its list", async () => {
    const folder = await copyOf("plain");
    await rename(join(folder, "weights.bin"), join(folder, "other.bin"));
    const json = (await readFile(join(folder, "model.json"), "utf8")).replace("weights.bin", "other.bin");
    await writeFile(join(folder, "model.json"), json);
    await changeNotes(folder, (notes) => {
      notes.files = [{ name: "model.json", bytes: Buffer.byteLength(json), sha256: sha256Hex(json) }];
      seal(notes);
    });
    await expect(load(folder)).rejects.toMatchObject(refused("model.invalid", join(folder, "other.bin")));
  });

  it("is refused with other weights than its notes speak of", async () => {
    const folder = await copyOf("plain");
    await changeNotes(folder, (notes) => {
      notes.weightsSha256 = sha256Hex("others");
      seal(notes);
    });
    await expect(load(folder)).rejects.toMatchObject(refused("model.invalid", folder, sha256Hex("others")));
  });

  it("is saved again with the weights that it has now", async () => {
    const { model } = await load(join(home, "plain"));
    const again = await load(join(home, "plain"));
    again.model.setWeights(model.getWeights().map((weight) => mul(weight, 2)));
    await again.save(join(home, "doubled"));
    expect(valuesOf((await load(join(home, "doubled"))).model)).toEqual(valuesOf(again.model));
  });
});

describe("a folder without a list of its files", () => {
  it("is read as it is, with and without a seal", async () => {
    const folder = await copyOf("plain");
    await flip(join(folder, "weights.bin"));
    await changeNotes(folder, (notes) => void delete notes.files);
    await load(folder);
    await changeNotes(folder, (notes) => void delete notes.notesSha256);
    await load(folder);
  });

  it("is named when its model cannot be built", async () => {
    const folder = await copyOf("plain");
    await changeNotes(folder, (notes) => void delete notes.files);
    const json = await readFile(join(folder, "model.json"), "utf8");
    await writeFile(join(folder, "model.json"), json.replaceAll('"units"', '"unirs"'));
    const named = { code: expect.stringMatching(/^model\./), message: expect.stringContaining(folder) };
    await expect(load(folder)).rejects.toMatchObject(named);
    await writeFile(join(home, "rows.csv"), "a,b,y\n1,2,3\n4,5,6\n");
    const data = { format: "csv", file: "rows.csv", features: { columns: ["a", "b"] }, labels: { column: "y" } };
    await expect(evaluate({ modelFolder: folder, data, baseFolder: home, cluster })).rejects.toMatchObject(named);
  });
});
