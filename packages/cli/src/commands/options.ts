import { StampedeError } from "@stampede/core";

/**
 * The number that an option was given; undefined when it was left out.
 * @throws StampedeError `option.invalid`
 */
export function readNumber(
  option: string,
  text: string | undefined,
  least: { readonly above: number } | { readonly from: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  const isAllowed = "from" in least ? value >= least.from : value > least.above;
  if (Number.isFinite(value) && isAllowed) return value;
  const allowed = "from" in least ? `${least.from} or more` : `more than ${least.above}`;
  const message = `Expected a number, ${allowed}, after ${option}; found ${JSON.stringify(text)}. Nothing was started.`;
  throw new StampedeError("option.invalid", message);
}

/**
 * The whole number that an option was given.
 * @throws StampedeError `option.invalid`
 */
export function readWhole(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const message = `Expected a whole number, ${least} ... ${most}, after ${option}; found ${JSON.stringify(text)}. Nothing was started.`;
  throw new StampedeError("option.invalid", message);
}
