import { gemmParticipant } from "../engine/participants.js";
import type { Figure } from "../measure.js";
import { gigaflopsOf, stepCases } from "../steps/cases.js";
import { figuresFrom } from "../steps/findings.js";
import type { Entrant, RaceResult } from "../steps/race.js";
import type { KernelNet } from "./nets.js";

/** Large enough that nothing but multiplying counts. */
const size = 1024;

const entrantName = (threads: number): string => `products, ${threads} ${threads === 1 ? "thread" : "threads"}`;

/** onnxruntime multiplying large matrices: as fast as this machine multiplies. */
export function productEntrants(): readonly Entrant[] {
  return [1, 2].map((threads) => ({
    name: entrantName(threads),
    participant: gemmParticipant(),
    task: { kind: "gemm", m: size, k: size, n: size, threads },
  }));
}

/**
 * What a net could reach here: its multiplications at the rate of large products and nothing else to do, beside PyTorch's step. Direct
 * convolutions may be somewhat faster than products, small matrices are slower.
 */
export function productFigures(net: KernelNet, { times }: RaceResult): readonly Figure[] {
  const gigaflops = gigaflopsOf(stepCases[net]);
  return [1, 2].flatMap((threads) => {
    const name = entrantName(threads);
    const rates = (times.get(name) ?? []).map((ms) => (2 * size ** 3) / ms / 1e6);
    const alone = rates.map((rate) => (1000 * gigaflops) / rate);
    const rival = times.get(name.replace("products", "PyTorch")) ?? [];
    const bounds = rival.length === alone.length ? rival.map((ms, i) => ms / (alone[i] ?? Number.NaN)) : [];
    return [
      ...figuresFrom(`${net}: ${name}`, "GFLOP/s", rates),
      ...figuresFrom(`${net}: ${name}, alone`, "ms/step", alone),
      ...figuresFrom(`${net}: ${name}, alone, against ${name.replace("products", "PyTorch")}`, "x", bounds),
    ];
  });
}
