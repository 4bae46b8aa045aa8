import { expect, it } from "vitest";
import { MessageWriter, readMessage } from "@stampede/graph/internals";

const text = (bytes: number | Uint8Array): string => (typeof bytes === "number" ? "" : new TextDecoder().decode(bytes));

it("writes what the specification's examples say", () => {
  expect([...new MessageWriter().integer(1, 150).finish()]).toEqual([0x08, 0x96, 0x01]);
  expect([...new MessageWriter().text(2, "testing").finish()]).toEqual([0x12, 7, ...Buffer.from("testing")]);
  expect([...new MessageWriter().message(3, new MessageWriter().integer(1, 150)).finish()]).toEqual([
    0x1a, 3, 0x08, 0x96, 0x01,
  ]);
  expect([...new MessageWriter().integer(1, -2).finish()]).toEqual([
    0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
  ]);
  expect([...new MessageWriter().integers(4, [3, 270, 86_942]).finish()]).toEqual([
    0x22, 6, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05,
  ]);
  expect([...new MessageWriter().float(1, 1).finish()]).toEqual([0x0d, 0, 0, 0x80, 0x3f]);
});

it("reads back the fields in order", () => {
  const bytes = new MessageWriter()
    .integer(1, 2 ** 40)
    .text(16, "ä")
    .float(3, 0.5)
    .finish();
  const fields = [...readMessage(bytes)];
  expect(fields.map(({ field }) => field)).toEqual([1, 16, 3]);
  expect(fields[0]?.value).toBe(2 ** 40);
  expect(text(fields[1]?.value ?? 0)).toBe("ä");
});

it.each([
  { what: "a cut-off number", bytes: [0x08, 0x96] },
  { what: "a cut-off text", bytes: [0x12, 7, 1] },
  { what: "a length beyond the end", bytes: [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f] },
  { what: "an endless number", bytes: [0x08, ...Array<number>(12).fill(0xff)] },
  { what: "a wire type that is not used", bytes: [0x0b] },
  { what: "the field 0", bytes: [0x00, 0x00] },
])("refuses $what", ({ bytes }) => {
  expect(() => [...readMessage(Uint8Array.from(bytes))]).toThrow(RangeError);
});
