/** Longer names are somebody's data, not a slip of the fingers. */
const maxLength = 64;

/**
 * The candidate that was probably meant: the fewest insertions, deletions, changes and swaps of neighbours away, at most one for
 * every three characters. Case, "-", "_" and spaces do not count. The first of equally near ones.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const plainName = plain(name);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const plainCandidate = plain(candidate);
    const longer = Math.max(plainName.length, plainCandidate.length);
    const allowed = Math.floor(longer / 3);
    const apart = Math.abs(plainName.length - plainCandidate.length);
    if (longer > maxLength || apart > allowed || apart >= bestDistance) continue;
    const distance = editDistance(plainName, plainCandidate);
    if (distance > allowed || distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_\s]/g, "");

/** Damerau-Levenshtein in its "optimal string alignment" form: no part is edited twice. Row by row, keeping the last two. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? (beforeLast[j - 2] ?? 0) + 1 : changed;
      row.push(Math.min(changed, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
