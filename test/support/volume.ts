/**
 * How often a test does what it repeats: all of it where somebody asks for the suite, a part where CI runs every suite, which has forty minutes for
 * all of them.
 */
export function volume({ all, inCi }: { readonly all: number; readonly inCi: number }): number {
  return process.env["CI"] === "true" ? inCi : all;
}
