/** Of one block. */
export interface BlockMoments {
  readonly rows: number;
  readonly mean: Float64Array;
  /** Sums of squared deviations from the mean. */
  readonly squares: Float64Array;
}

/**
 * Mean and variance of each column of rows that arrive in blocks, in float64. Each block is summed in two passes and merged by
 * the rule of Chan, Golub and LeVeque (1979), which is stable however large the mean is.
 */
export class Moments {
  readonly #mean: Float64Array;
  /** Sums of squared deviations from the mean. */
  readonly #squares: Float64Array;
  #rows = 0;
  #last: BlockMoments | undefined;

  constructor(width: number) {
    this.#mean = new Float64Array(width);
    this.#squares = new Float64Array(width);
  }

  /** @param values row-major, `rows` times the width */
  add(values: ArrayLike<number>, rows: number): void {
    if (rows === 0) return;
    this.#last = momentsOf(values, rows, this.#mean.length);
    this.merge(this.#last);
  }

  /** The block that was added last, for another pass to merge; undefined where none was since the last call. */
  takeLast(): BlockMoments | undefined {
    const last = this.#last;
    this.#last = undefined;
    return last;
  }

  /** Takes in a block. Float64 sums depend on their order: blocks must come in the order of the rows. */
  merge({ mean, squares, rows }: BlockMoments): void {
    const total = this.#rows + rows;
    for (let column = 0; column < mean.length; column++) {
      const known = this.#mean[column] ?? 0;
      const difference = (mean[column] ?? 0) - known;
      this.#mean[column] = known + (difference * rows) / total;
      this.#squares[column] =
        (this.#squares[column] ?? 0) + (squares[column] ?? 0) + (difference * difference * this.#rows * rows) / total;
    }
    this.#rows = total;
  }

  /** The means, rounded to float32 as the model's input is. */
  means(): number[] {
    return Array.from(this.#mean, Math.fround);
  }

  /** The standard deviations of the whole population (as Keras' and scikit-learn's scalers), rounded to float32; 1 where it is 0. */
  deviations(): number[] {
    const rows = Math.max(1, this.#rows);
    return Array.from(this.#squares, (sum) => {
      const deviation = Math.fround(Math.sqrt(sum / rows));
      return deviation === 0 ? 1 : deviation;
    });
  }
}

function momentsOf(values: ArrayLike<number>, rows: number, width: number): BlockMoments {
  const mean = new Float64Array(width);
  for (let at = 0; at < rows * width; at += width) {
    for (let column = 0; column < width; column++) mean[column] = (mean[column] ?? 0) + (values[at + column] ?? 0);
  }
  for (let column = 0; column < width; column++) mean[column] = (mean[column] ?? 0) / rows;
  const squares = new Float64Array(width);
  for (let at = 0; at < rows * width; at += width) {
    for (let column = 0; column < width; column++) {
      const deviation = (values[at + column] ?? 0) - (mean[column] ?? 0);
      squares[column] = (squares[column] ?? 0) + deviation * deviation;
    }
  }
  return { rows, mean, squares };
}
