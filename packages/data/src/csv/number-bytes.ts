const plus = 0x2b;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const upperE = 0x45;
const lowerE = 0x65;

/** Up to 15 digits a whole number is exact in float64, and powers of ten are up to 22: one operation on both is correctly rounded. */
const maxExactDigits = 15;
const maxExactPower = 22;
const powersOfTen = Float64Array.from({ length: maxExactPower + 1 }, (_, exponent) => 10 ** exponent);
/** More than what the roundings of `approximate` (three of 2^-53) and that of the true value amount to, relative to the value. */
const slack = 1e-15;

/**
 * Reads a number like `-12.5` or `1e-3` into `record[slot]` and answers the position after it; 0 for what is not as simple as that.
 *
 * @param asFloat32 the number is going to be rounded to float32. Then up to 30 digits are taken, as long as what float64 loses of them
 *   cannot change the float32.
 */
export function readNumber(
  bytes: Uint8Array,
  start: number,
  record: Float64Array,
  slot: number,
  asFloat32: boolean,
): number {
  const negative = bytes[start] === minus;
  let at = negative ? start + 1 : start;
  let digits = 0;
  let afterDot = -1;
  let first = 0;
  let rest = 0;
  for (; ; at++) {
    const byte = bytes[at] ?? 0;
    const digit = byte - zero;
    if (digit >= 0 && digit <= 9) {
      if (digits < maxExactDigits) first = first * 10 + digit;
      else rest = rest * 10 + digit;
      digits++;
    } else if (byte === dot && afterDot < 0) {
      afterDot = digits;
    } else {
      break;
    }
  }
  let power = afterDot < 0 ? 0 : afterDot - digits;
  const mark = bytes[at];
  if (mark === lowerE || mark === upperE) {
    const signed = bytes[at + 1] === minus || bytes[at + 1] === plus;
    const from = signed ? at + 2 : at + 1;
    let exponent = 0;
    for (at = from; at < from + 3; at++) {
      const digit = (bytes[at] ?? 0) - zero;
      if (!(digit >= 0 && digit <= 9)) break;
      exponent = exponent * 10 + digit;
    }
    if (at === from) return 0;
    power += bytes[from - 1] === minus ? -exponent : exponent;
  }
  if (digits === 0 || power > maxExactPower || power < -maxExactPower) return 0;
  const value =
    digits <= maxExactDigits ? scaled(first, power) : asFloat32 ? approximate(first, rest, digits, power) : -1;
  if (value < 0) return 0;
  record[slot] = negative ? -value : value;
  return at;
}

function scaled(whole: number, power: number): number {
  return power < 0 ? whole / (powersOfTen[-power] ?? 1) : whole * (powersOfTen[power] ?? 1);
}

/** The float32 of a number of more than 15 digits; -1 where float64 is not enough to tell it. */
function approximate(first: number, rest: number, digits: number, power: number): number {
  const restDigits = digits - maxExactDigits;
  if (restDigits > maxExactDigits) return -1;
  const value = scaled(first * (powersOfTen[restDigits] ?? 1) + rest, power);
  const rounded = Math.fround(value);
  if (rounded === Number.POSITIVE_INFINITY) return -1;
  return Math.fround(value * (1 - slack)) === rounded && Math.fround(value * (1 + slack)) === rounded ? rounded : -1;
}
