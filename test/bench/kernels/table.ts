import type { Figure } from "../measure.js";
import { digits } from "../report.js";
import type { KernelNet } from "./nets.js";

/** Titles of the columns, and the name of the figure after the net's. */
const columns: readonly (readonly [title: string, figure: string])[] = [
  ["1 thread: compiled", "compiled, 1 thread"],
  ["PyTorch", "PyTorch, 1 thread"],
  ["Keras", "Keras, 1 thread"],
  ["x PyTorch", "compiled, 1 thread, against PyTorch, 1 thread"],
  ["at most", "products, 1 thread, alone, against PyTorch, 1 thread"],
  ["2 threads: compiled", "compiled, 2 threads"],
  ["PyTorch", "PyTorch, 2 threads"],
  ["Keras", "Keras, 2 threads"],
  ["x PyTorch", "compiled, 2 threads, against PyTorch, 2 threads"],
  ["at most", "products, 2 threads, alone, against PyTorch, 2 threads"],
  ["MB: compiled", "compiled, 1 thread, memory growth"],
  ["PyTorch", "PyTorch, 1 thread, memory growth"],
  ["Keras", "Keras, 1 thread, memory growth"],
  ["KB of the file", "graph file"],
  ["ms until ready", "trace, encode, open"],
];

/** Everything about a net in one row: milliseconds a step, how many times faster, memory, file, start. */
export function sideBySide(nets: readonly KernelNet[], figures: readonly Figure[]): readonly (readonly string[])[] {
  const byName = new Map(figures.map((figure) => [figure.name, figure]));
  const cell = (net: KernelNet, name: string): string => {
    const figure = byName.get(`${net}: ${name}`);
    if (figure === undefined) return "-";
    const isMissed = figure.met === false ? "!" : "";
    return `${digits(figure.unit === "bytes" ? figure.value / 1000 : figure.value)}${isMissed}`;
  };
  const rows = nets.map((net) => [net, ...columns.map(([, name]) => cell(net, name))]);
  return [["net", ...columns.map(([title]) => title)], ...rows];
}
