import { join } from "node:path";
import { Participant } from "../steps/participant.js";
import { preparePython, type Environment } from "./environment.js";

const file = (name: string): string => join(import.meta.dirname, name);

/** Keras 3.15.1 and torch 2.15.0 declare >=3.11. */
const environment: Environment = {
  title: "PyTorch and Keras",
  name: "python",
  versions: ["3.11", "3.12"],
  requirements: file("requirements.txt"),
  requirementsAlone: file("requirements-alone.txt"),
  finish: file("without_cuda.py"),
};

const frameworks = {
  "PyTorch, 1 thread": ["steps_torch", "--threads", "1"],
  "PyTorch, 2 threads": ["steps_torch", "--threads", "2"],
  "Keras, default threads": ["steps_keras"],
  "Keras, 1 thread": ["steps_keras", "--threads", "1"],
  "Keras, 2 threads": ["steps_keras", "--threads", "2"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type FrameworkLabel = keyof typeof frameworks;
export const frameworkLabels: readonly FrameworkLabel[] = Object.keys(frameworks).filter(
  (label): label is FrameworkLabel => label in frameworks,
);

/**
 * Makes participants, with the environment that they need.
 * @throws Refusal as `preparePython`
 */
export function frameworkParticipant(tell: (text: string) => void): (label: FrameworkLabel) => Participant {
  const program = preparePython(environment, tell);
  // -B: no compiled files in the repository.
  return (label) => new Participant({ program, args: ["-B", file("participant.py"), ...frameworks[label]] });
}
