import { randomBytes } from "node:crypto";
import type { Clock, UniqueSource } from "@stampede/core";

/** The machine's own time, which AWS keeps in step. */
export const clock: Clock = { now: () => Date.now() };

export const unique: UniqueSource = {
  hex: (digits) =>
    randomBytes(Math.ceil(digits / 2))
      .toString("hex")
      .slice(0, digits),
};
