import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

type Figure = "rss" | "arrayBuffers" | "external" | "heapUsed" | "tensors";
type Memory = Readonly<Record<Figure, number>>;

const program = join(import.meta.dirname, "memory-process.ts");
const mebibyte = 2 ** 20;

/** In a process of its own, where nothing else takes memory. */
async function grown(what: "epochs" | "sessions", network: string): Promise<Memory> {
  const args = ["--expose-gc", "--import", "tsx", program, what, network];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [before, after] = JSON.parse(stdout) as [Memory, Memory];
  const entries = Object.entries(after).map(([name, value]) => [name, value - before[name as Figure]]);
  return Object.fromEntries(entries) as Memory;
}

// One state of a model and its optimizer is 70 to 90 KB: 400 of them are 28 MiB and more. What is allowed beside noise is a kilobyte an epoch.
it.each([
  { what: "a perceptron with dropout", network: "perceptron" },
  { what: "convolutions in blocks", network: "pictures" },
  { what: "recurrent layers", network: "sequences" },
])("keeps memory flat over 400 epochs of $what", async ({ network }) => {
  const { rss, arrayBuffers, external, heapUsed, tensors } = await grown("epochs", network);
  expect(tensors).toBe(0);
  expect(arrayBuffers).toBeLessThan(0.4 * mebibyte);
  expect(external).toBeLessThan(0.4 * mebibyte);
  expect(heapUsed).toBeLessThan(2 * mebibyte);
  expect(rss).toBeLessThan(24 * mebibyte);
});

// Each has a tfjs model, a compiler and four onnxruntime sessions, which are some megabytes.
it("keeps nothing of 50 sessions that were opened, used and closed", async () => {
  const { rss, arrayBuffers, external, heapUsed, tensors } = await grown("sessions", "perceptron");
  expect(tensors).toBe(0);
  expect(arrayBuffers).toBeLessThan(0.4 * mebibyte);
  expect(external).toBeLessThan(0.4 * mebibyte);
  expect(heapUsed).toBeLessThan(5 * mebibyte);
  expect(rss).toBeLessThan(32 * mebibyte);
});
