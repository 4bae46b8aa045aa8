import { expect, test } from "vitest";
import { trackedFileViolations, type TrackedFile } from "../../check/tracked-files.js";

const file = (path: string, text: string | undefined, bytes = 10): TrackedFile => ({ path, text, bytes });
const absolute = (...parts: readonly string[]): string => `/${parts.join("/")}/`;

test("ordinary files pass", () => {
  const files = [file("README.md", `/tmp/$name/x and packages${absolute("work")}x`), file("a.bin", undefined, 204_800)];
  expect(trackedFileViolations(files)).toEqual([]);
});

test("a large file is named with its size, the lock excepted", () => {
  expect(trackedFileViolations([file("a.bin", undefined, 204_801), file("package-lock.json", "{}", 900_000)])).toEqual([
    { place: "a.bin", message: "has 204801 bytes, 204800 are allowed" },
  ]);
});

test.each([absolute("root"), absolute("home", "ann"), absolute("tmp", "trial")])(
  "%s is a path of one machine",
  (path) => {
    expect(trackedFileViolations([file("a.md", `fine\nsee ${path}x`)])).toEqual([
      { place: "a.md:2", message: "names a path of one machine" },
    ]);
  },
);

test("a download address in the lock is named with its line", () => {
  const lock = `{\n  "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz"\n}`;
  expect(trackedFileViolations([file("package-lock.json", lock)])).toEqual([
    {
      place: "package-lock.json:2",
      message: "records a download address: set omit-lockfile-registry-resolved=true and lock again",
    },
  ]);
});
