import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { librariesOf } from "./licences.js";

/** `npm run -s licences`: every library that Stampede runs with, its version and its licence. */
const lock = await readFile(join(import.meta.dirname, "../../package-lock.json"), "utf8");
for (const { name, version, licence } of librariesOf(lock)) process.stdout.write(`${name}\t${version}\t${licence}\n`);
