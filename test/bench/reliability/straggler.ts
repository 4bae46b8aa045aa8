import { figureOf, median, type Figure } from "../measure.js";
import { runMnistJob, type MnistJobOptions } from "../mnist-job.js";
import { switchesModule } from "./switches-module.js";

/** The issue of reliability: a straggler 20x slower delays its round by less than so many median rounds. */
const atMost = 1.5;
const slowness = 20;
const slowRound = 6;

/** The delay of a round whose second executor is twenty times as slow as usual, in median rounds; its bits are compared as well. */
export async function stragglerFigures(options: MnistJobOptions, repeat: number): Promise<readonly Figure[]> {
  const plain = await runMnistJob(options);
  const usualMs = median(plain.rounds.slice(1).map(({ wallMs }) => wallMs));
  const delays: number[] = [];
  const equal: number[] = [];
  for (let turn = 0; turn < repeat; turn += 1) {
    const lateMs = Math.round((slowness - 1) * usualMs);
    const env = { STAMPEDE_BENCH_SLOW: `${slowRound}/1/${lateMs}` };
    const { rounds, succeeded } = await runMnistJob(options, { imports: switchesModule, env });
    const disturbed = rounds.find(({ round }) => round === slowRound)?.wallMs ?? Number.NaN;
    const before = median(rounds.filter(({ round }) => round > 1 && round < slowRound).map(({ wallMs }) => wallMs));
    delays.push((disturbed - before) / before);
    equal.push(succeeded.weightsSha256 === plain.succeeded.weightsSha256 ? 1 : 0);
  }
  return [
    figureOf(`delay by a straggler ${slowness}x slower`, "median rounds", delays, { atMost }),
    figureOf("same bits with the straggler", "(1 = yes)", equal, { atLeast: 1 }),
  ];
}
