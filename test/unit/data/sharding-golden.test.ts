import { expect, test } from "vitest";
import type { ShardRequest } from "@stampede/data";
import { fixtures, shard } from "./support.js";

/** What data sets of these files have been ever since: a store of an earlier version is still of use, and functions and machines agree. */
const known: readonly (readonly [Omit<ShardRequest, "baseFolder">, readonly string[], readonly string[]])[] = [
  [
    {
      partitions: 3,
      order: "shuffled",
      seed: 5,
      validationSplit: 0.2,
      dataset: {
        format: "csv",
        file: "diabetes.csv",
        features: { columns: ["age..s6"], standardize: true },
        labels: { column: "progression" },
      },
    },
    [
      "c1ec970570fc07cd19015952f9d851e51c59ef60985ae1ad4278ade090a1fc70",
      "56dda789f94534d820eaf247eb3ea34fd7d48ff15931bd71909405053010eea4",
    ],
    ["5b2aa3a830c9", "042f9239fe7e", "ca709a5d52e7", "2077d82c25cf", "d6a685f4bb5b", "f0a8aec702c8"],
  ],
  [
    { partitions: 4, order: "shuffled", seed: 1, dataset: { format: "builtin", name: "digits" } },
    ["03350174192575793de134b384a0b89e6db0fd026d5775669fec0a034f1812e1"],
    ["c5fd8e7f5085", "98551a040999", "9283644eef56", "bfafbe90c2d8"],
  ],
  [
    { partitions: 1, order: "kept", dataset: { format: "npz", file: "single.npz" } },
    ["11c49946febf0d933bb88b2f71e840adea09bf790e26665ace11ec819a34fdf4"],
    ["8284a1432ba4"],
  ],
  [
    { partitions: 2, order: "kept", dataset: { format: "npy", features: { file: "f8-be.npy" } } },
    ["f6c5094d5e835dbce7da0aa7f1fd71e2c393ae830e0260b8bd1e09fcf7d123fd"],
    ["01f840c76b49", "cf920814ba6e"],
  ],
];

test.each(known)("%j", async (request, ids, hashes) => {
  const { train, validation } = await shard({ ...request, baseFolder: fixtures });
  const sets = validation === undefined ? [train] : [train, validation];
  expect(sets.map(({ id }) => id)).toEqual(ids);
  expect(sets.flatMap(({ manifest }) => manifest.parts.map(({ sha256 }) => sha256.slice(0, 12)))).toEqual(hashes);
});
