import { Console } from "node:console";
import { Writable } from "node:stream";

/**
 * What a model's module prints must stand neither between the JSON lines nor in the live view: hands it over line by line
 * until the returned function is called.
 */
export function redirectConsole(tell: (lines: readonly string[]) => void): () => void {
  const before = globalThis.console;
  let rest = "";
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      tell(lines);
      done();
    },
  });
  globalThis.console = new Console(stream);
  return () => {
    globalThis.console = before;
    if (rest !== "") tell([rest]);
  };
}
