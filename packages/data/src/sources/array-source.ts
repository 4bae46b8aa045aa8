import type { ArrayInput } from "../arrays/array-input.js";
import { refusal } from "../refusal.js";
import type { FieldOptions, OpenSource, RowRun, SourceArray, SourceBlock } from "./source.js";

export interface ArrayField {
  readonly role: "feature" | "label";
  readonly options: FieldOptions;
  readonly input: ArrayInput;
}

/**
 * A source whose fields are arrays side by side.
 *
 * @throws StampedeError `data.length-mismatch` when they have different numbers of rows
 */
export function openArrays(arrays: readonly ArrayField[]): OpenSource {
  checkLengths(arrays);
  const fields = arrays.map(({ role, options, input: { dtype, rowShape } }) => ({ role, options, dtype, rowShape }));
  return { fields, rows: arrays[0]?.input.rows ?? 0, blocks: (blockRows, run) => blocksOf(arrays, blockRows, run) };
}

function checkLengths(arrays: readonly ArrayField[]): void {
  const first = arrays[0]?.input;
  const other = arrays.find(({ input }) => input.rows !== first?.rows)?.input;
  if (first === undefined || other === undefined) return;
  const text =
    `Expected as many rows in every file of the data set; ` +
    `${first.name} has ${first.rows} rows and ${other.name} has ${other.rows}.`;
  throw refusal("data.length-mismatch", text, { details: { first: first.rows, other: other.rows } });
}

async function* blocksOf(
  arrays: readonly ArrayField[],
  blockRows: number,
  run?: Pick<RowRun, "start" | "end">,
): AsyncGenerator<SourceBlock> {
  const { start, end } = run ?? { start: 0, end: arrays[0]?.input.rows ?? 0 };
  const inputs = arrays.map(({ input }) => ({ input, blocks: input.blocks(blockRows, start, end) }));
  try {
    for (let row = start; row < end; row += blockRows) {
      const firstRow = row;
      const values: SourceArray[] = [];
      for (const { blocks } of inputs) {
        const next = await blocks.next();
        if (next.done !== true) values.push(next.value);
      }
      const places = inputs.map(
        ({ input }) =>
          (rowInBlock: number) =>
            input.placeOf(firstRow + rowInBlock),
      );
      yield { rows: Math.min(blockRows, end - row), values, places };
    }
    // Lets every input see its end, where trailing bytes are found.
    for (const { blocks } of inputs) await blocks.next();
  } finally {
    for (const { blocks } of inputs) await blocks.return?.();
  }
}
