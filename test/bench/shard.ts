import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { DatasetSpecInput } from "@stampede/core";
import { shardDataset } from "@stampede/data";
import { FolderObjectStore } from "@stampede/local";
import { columnsOfCsv, writeNumbersCsv, writeQuotedCsv } from "./csv-files.js";
import { figureOf, median, samplesOf, secondsOf, warmSamplesOf, type Figure, type SuiteReport } from "./measure.js";
import { mnistFolder } from "./mnist.js";
import { shardGrowth } from "./shard-growth.js";
import { withFolder } from "./temporary.js";

/** About 60 MB of each kind. */
const plainRows = 330_000;
const quotedRows = 240_000;
/** Many times what the sharding pass holds at a time; garbage of V8 alone fills less memory in shorter runs (measured). */
const growthRows = 600_000;
const growthPartitions = 2;
const moreRows = 4;
const morePartitions = 32;
/** How far the garbage collector alone moves the peak from run to run. */
const flat = { atMost: 1.3 };

/** Data sets from files on disk (in the file cache) into partitions in the folder store. */
export function shardSuite({ repeat }: { readonly repeat: number }): Promise<SuiteReport> {
  return withFolder(async (folder) => {
    const plain = join(folder, "plain.csv");
    const quoted = join(folder, "quoted.csv");
    await writeNumbersCsv(plain, plainRows);
    await writeQuotedCsv(quoted, quotedRows);
    const mnist = await warmSamplesOf(repeat, () => shardSeconds(mnistDataset()));
    return {
      suite: "shard",
      parameters: { partitions: 2, plainRows, quotedRows, repeats: repeat },
      figures: [
        figureOf("MNIST, 60,000 images", "s", mnist, { atMost: 1.5 }),
        await throughput("CSV, plain numbers", { file: plain, dataset: columnsOfCsv(plain), atLeast: 60, repeat }),
        await throughput("CSV, every cell quoted", {
          file: quoted,
          dataset: columnsOfCsv(quoted),
          atLeast: 20,
          repeat,
        }),
        ...(await memoryFigures(folder, repeat)),
      ],
    };
  });
}

function mnistDataset(): DatasetSpecInput {
  const file = (name: string): string => join(mnistFolder(), name);
  return {
    format: "idx",
    features: { file: file("train-images-idx3-ubyte"), scale: 255, shape: [784] },
    labels: { file: file("train-labels-idx1-ubyte"), oneHot: 10 },
  };
}

/** Into an empty store: nothing can be reused. */
function shardSeconds(dataset: DatasetSpecInput): Promise<number> {
  return withFolder((folder) => {
    const store = FolderObjectStore.open(join(folder, "store"));
    const request = { dataset, baseFolder: folder, partitions: 2, order: "shuffled", seed: 7 } as const;
    return secondsOf(() => shardDataset(request, { store }));
  });
}

async function throughput(
  name: string,
  csv: {
    readonly file: string;
    readonly dataset: DatasetSpecInput;
    readonly atLeast: number;
    readonly repeat: number;
  },
): Promise<Figure> {
  const megabytes = (await stat(csv.file)).size / 1e6;
  const seconds = await warmSamplesOf(csv.repeat, () => shardSeconds(csv.dataset));
  const { atLeast } = csv;
  return figureOf(
    `${name}, ${Math.round(megabytes)} MB`,
    "MB/s",
    seconds.map((each) => megabytes / each),
    { atLeast },
  );
}

/** Peak memory above that of a process which has only loaded the code. */
async function memoryFigures(folder: string, repeat: number): Promise<readonly Figure[]> {
  const grown = async (rows: number, partitions: number): Promise<readonly number[]> => {
    const file = join(folder, `${rows}.csv`);
    await writeNumbersCsv(file, rows);
    return samplesOf(repeat, () => withFolder(async (home) => (await shardGrowth({ file, partitions, home })) / 1e6));
  };
  const base = await grown(growthRows, growthPartitions);
  const rows = await grown(growthRows * moreRows, growthPartitions);
  const partitions = await grown(growthRows, growthPartitions * morePartitions);
  const ratio = (samples: readonly number[]): readonly number[] => samples.map((each) => each / median(base));
  const of = (count: number, parts: number): string =>
    `peak memory, ${count.toLocaleString("en")} rows in ${parts} parts`;
  return [
    figureOf(of(growthRows, growthPartitions), "MB", base),
    figureOf(of(growthRows * moreRows, growthPartitions), "MB", rows),
    figureOf(of(growthRows, growthPartitions * morePartitions), "MB", partitions),
    figureOf(`peak memory of ${moreRows} x rows`, "x", ratio(rows), flat),
    figureOf(`peak memory of ${morePartitions} x partitions`, "x", ratio(partitions), flat),
  ];
}
