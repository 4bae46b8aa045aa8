import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Refusal } from "../measure.js";
import { preparePython } from "../python/environment.js";

/** https://spark.apache.org/docs/4.0.0/#downloading */
const minJava = 17;

/**
 * The Python of a virtual environment with Elephas; made from PyPI (2.6 GB on disk) when there is none yet.
 * @throws Refusal when Java or a fitting Python is missing, or the packages cannot be installed
 */
export function prepareElephas(tell: (text: string) => void): string {
  requireJava();
  const requirements = join(import.meta.dirname, "requirements.txt");
  // Elephas 7.3.0 declares <3.13, Keras 3.15.1 declares >=3.11.
  return preparePython({ title: "Elephas", name: "elephas", versions: ["3.11", "3.12"], requirements }, tell);
}

function requireJava(): void {
  const home = process.env["JAVA_HOME"];
  const java = home === undefined || home === "" ? "java" : join(home, "bin/java");
  // `java -version` writes to stderr; up to Java 8 versions read 1.8.
  const { status, stderr } = spawnSync(java, ["-version"], { encoding: "utf8" });
  const major = status === 0 ? /version "(\d+)/.exec(stderr)?.[1] : undefined;
  if (major !== undefined && Number(major) >= minJava) return;
  const found = major === undefined ? "none" : `version ${major}`;
  throw new Refusal(
    `Expected Java ${minJava} or newer for Spark (JAVA_HOME or java on the PATH), found ${found}. Nothing was started.`,
  );
}
