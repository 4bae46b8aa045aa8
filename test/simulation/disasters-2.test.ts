import { describe, it } from "vitest";
import { expectNoBrokenPromise } from "./disasters.js";
import { volume } from "../support/volume.js";

const part = volume({ all: 2500, inCi: 800 });
const first = 10000;

describe(`disasters from seed ${first} on`, () => {
  it.each([0, 1, 2, 3].map((index) => [first + index * part]))(
    `${part} seeds from %i on break no promise`,
    async (from) => expectNoBrokenPromise(from, part),
  );
});
