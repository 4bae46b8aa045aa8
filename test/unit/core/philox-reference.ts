const words = 0xffff_ffffn;

/** Philox2x32-10 written from the paper with big integers, to compare with. Returns both words of the block. */
export function philox(key: number, counter: bigint): readonly [number, number] {
  let [left, right] = [counter & words, (counter >> 32n) & words];
  let roundKey = BigInt(key);
  for (let round = 0; round < 10; round += 1) {
    const product = left * 0xd256d193n;
    [left, right] = [(product >> 32n) ^ roundKey ^ right, product & words];
    roundKey = (roundKey + 0x9e3779b9n) & words;
  }
  return [Number(left), Number(right)];
}
