import { Screen } from "@stampede/cli";
import { expect, it } from "vitest";
import { fakeOutput } from "./fake-host.js";
import { Terminal } from "./terminal.js";

const setup = (columns: number) => {
  const output = fakeOutput({ isTTY: true, columns });
  const terminal = new Terminal(columns);
  const screen = new Screen({ ...output, write: (text) => terminal.feed(text) });
  return { screen, terminal };
};

it("draws in the same place, also when there are fewer lines", () => {
  const { screen, terminal } = setup(40);
  terminal.feed("$ stampede train\n");
  screen.draw(["one", "two", "three"]);
  screen.draw(["ONE"]);
  expect(terminal.lines).toEqual(["$ stampede train", "ONE"]);
});

it("keeps printed lines above the picture", () => {
  const { screen, terminal } = setup(40);
  screen.draw(["picture"]);
  screen.print(["a word"]);
  screen.draw(["next picture"]);
  screen.print(["another"]);
  screen.draw(["last picture"]);
  expect(terminal.lines).toEqual(["a word", "another", "last picture"]);
});

it("hides the cursor while it draws and gives it back, once", () => {
  const { screen, terminal } = setup(40);
  screen.draw(["picture"]);
  expect(terminal.cursorHidden).toBe(true);
  screen.close();
  expect(terminal.cursorHidden).toBe(false);
  expect(terminal.lines).toEqual([""]);
  const output = fakeOutput();
  new Screen(output).close();
  expect(output.written).toEqual([]);
});

it("finds the picture's top after the terminal has become narrower", () => {
  const output = fakeOutput({ isTTY: true, columns: 40 });
  const screen = new Screen(output);
  screen.draw(["x".repeat(35), "y".repeat(10)]);
  output.columns = 12;
  screen.draw(["z"]);
  // 35 columns take three rows of 12, 10 take one.
  expect(output.written[1]).toBe("\u001b[4A\r\u001b[0Jz\n");
});
