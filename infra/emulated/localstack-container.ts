import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const compose = ["compose", "-f", join(import.meta.dirname, "compose.yaml"), "--profile", "localstack"];

/** Where the container listens, see compose.yaml. */
const endpoint = "http://127.0.0.1:4566";
/** How functions reach it: they run in containers, for which the loopback interface is another one. */
const functionEndpoint = "http://localhost.localstack.cloud:4566";

export interface Container {
  readonly endpoint: string;
  readonly functionEndpoint: string;
  stop(): Promise<void>;
}

/** Whether there is a Docker engine that this user may use. */
export async function hasDocker(): Promise<boolean> {
  return run("docker", ["info", "--format", "{{.ServerVersion}}"], { timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}

/** @throws Error with what docker said */
export async function startLocalStackContainer(): Promise<Container> {
  await run("docker", [...compose, "up", "--detach", "--wait"]);
  return {
    endpoint,
    functionEndpoint,
    stop: async () => {
      await run("docker", [...compose, "down", "--volumes"]);
    },
  };
}
