import { spawnSync } from "node:child_process";
import { Refusal } from "../bench/measure.js";

/** The first that lacks `util.isNullOrUndefined`, which tfjs-node 4.22.0 calls. */
const firstUnfitNode = 23;

/** @throws Refusal where tfjs-node cannot run, however it was built */
export function requireSupported(): void {
  const { arch, platform, version } = process;
  if (platform !== "linux" || arch !== "x64") {
    throw new Refusal(
      `Expected Linux on x64, for which the TensorFlow wheel is made, found ${platform} on ${arch}. ` +
        "Nothing was installed; Stampede runs on its other engines.",
    );
  }
  if (Number.parseInt(version.slice(1), 10) < firstUnfitNode) return;
  throw new Refusal(
    `Expected a Node.js below ${firstUnfitNode}, because tfjs-node 4.22.0 calls what later ones lack, found ${version}. ` +
      "Nothing was installed; Stampede runs on its other engines.",
  );
}

const tools = [
  { command: "python3", args: ["--version"], name: "Python 3 (python3)", packageName: "python3" },
  { command: "python3", args: ["-m", "pip", "--version"], name: "pip (python3 -m pip)", packageName: "python3-pip" },
  { command: "g++", args: ["--version"], name: "a C++ compiler (g++)", packageName: "g++" },
] as const;

/** @throws Refusal where a tool is missing that building takes */
export function requireTools(): void {
  const missing = tools.filter(({ command, args }) => spawnSync(command, args).status !== 0);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(" and ");
  const packages = missing.map(({ packageName }) => packageName).join(" ");
  throw new Refusal(
    `Expected ${names} to build tfjs-node, found none that runs. ` +
      `Nothing was installed; Debian has them as \`apt-get install ${packages}\`.`,
  );
}
