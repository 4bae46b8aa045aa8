// Trains the repeated cases and tells their bits: to the process or to the thread that started this.
import { parentPort } from "node:worker_threads";
import { createEngine } from "@stampede/runtime";
import { atOnce, repeatedCases, trainedBits } from "./bits.js";

await createEngine("tfjs-cpu");
const bits: string[] = [];
for (const each of repeatedCases) bits.push(await trainedBits(each, atOnce));
if (parentPort === null) process.stdout.write(JSON.stringify(bits));
else parentPort.postMessage(bits);
