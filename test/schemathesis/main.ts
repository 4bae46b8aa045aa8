import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preparePython } from "../../infra/emulated/python-environment.js";
import { Served } from "../e2e/support/served.js";

/** Pinned: another version makes other requests. */
const version = "4.32.5";

/**
 * What is promised: no error of the server's own, every answer as the document says, and nothing wrong is taken. Its other checks do not know
 * that fields may contradict each other, and that whoever guesses tokens is held back.
 */
const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
];

/**
 * `npm run schemathesis [-- OPTIONS]`: Schemathesis (installed from PyPI the first time) makes requests from the OpenAPI document of
 * `stampede serve`, wild and nearly right ones, and looks whether each answer is as the document says.
 * https://schemathesis.readthedocs.io
 */
const commands = await preparePython({ name: `schemathesis-${version}`, install: [`schemathesis==${version}`] });
const folder = await mkdtemp(join(tmpdir(), "stampede-schemathesis-"));
const served = await Served.start(join(folder, "store"), "--requests-per-second", "100000");
try {
  const authorization = `Authorization: Bearer ${served.token ?? ""}`;
  const words = ["run", `${served.url}/openapi.json`, "--header", authorization, "--seed", "7"];
  const chosen = ["--checks", checks.join(","), "--no-color"];
  const child = spawn(join(commands, "schemathesis"), [...words, ...chosen, ...process.argv.slice(2)], {
    cwd: folder,
    stdio: "inherit",
  });
  await once(child, "exit");
  process.exitCode = child.exitCode ?? 1;
} finally {
  await served.end();
  await rm(folder, { recursive: true });
}
