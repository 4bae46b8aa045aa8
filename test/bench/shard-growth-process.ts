import { shardDataset } from "@stampede/data";
import { FolderObjectStore } from "@stampede/local";
import { columnsOfCsv } from "./csv-files.js";

/** The process that `shardGrowth` measures: arguments are the CSV file, the number of partitions and the store's folder. */
const [file = "", partitions = "", home = ""] = process.argv.slice(2);

/** Of the process since its start: https://nodejs.org/api/process.html#processresourceusage */
const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

const store = FolderObjectStore.open(home);
const before = peakBytes();
const request = { baseFolder: home, partitions: Number(partitions), order: "shuffled", seed: 7 } as const;
await shardDataset({ dataset: columnsOfCsv(file), ...request }, { store });
process.send?.({ bytes: peakBytes() - before });
