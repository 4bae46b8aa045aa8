import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Gate } from "./gate.js";
import { countOf, makePool, type TestPool } from "./pools.js";

const makeProcesses = (): TestPool => makePool({ isolation: "process" });
const later = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Keeps what the processes print away from the tests' own output; answers with it. */
function listen(): () => string {
  const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => write.mockRestore());
  return () => write.mock.calls.map(([text]) => String(text)).join("");
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("a process that ends in the middle of a task", () => {
  it.each([
    {
      signal: "SIGKILL",
      message:
        /killed by SIGKILL from outside; the kernel's out-of-memory killer does that too\. The process is replaced\.$/,
    },
    { signal: "SIGSEGV", message: /found that it was killed by SIGSEGV\. The process is replaced\.$/ },
  ] as const)("is reported as crashed by $signal, and replaced", async ({ signal, message }) => {
    const pool = makeProcesses();
    const outcome = pool.run({ do: "hang" }).catch((error: unknown) => error);
    process.kill(await pool.processOf("hang"), signal);
    expect(await outcome).toMatchObject({
      code: "task.crashed",
      message: expect.stringMatching(message),
      details: { signal },
    });
    expect(await countOf(pool)).toBe("count 1");
  });

  it("takes no other with it", async () => {
    const { run, processOf } = makePool({ isolation: "process", workers: 2 });
    const gate = await Gate.make();
    const other = run({ do: "wait", gate: gate.path });
    await gate.arrived();
    listen();
    await expect(run({ do: "abort" })).rejects.toMatchObject({ code: "task.crashed" });
    expect(isAlive(await processOf("wait"))).toBe(true);
    gate.open();
    await other;
  });

  it("does not wait for a process that it has left behind", async () => {
    const pool = makeProcesses();
    await expect(pool.run({ do: "leaveBehind" })).rejects.toMatchObject({
      code: "task.crashed",
      details: { exitCode: 9 },
    });
    const [left = ""] = await pool.said.next((text) => text.startsWith("left "));
    process.kill(Number(left.slice("left ".length)), "SIGKILL");
    expect(await countOf(pool)).toBe("count 1");
  });

  it("is not given work when it died while it was idle", async () => {
    const pool = makeProcesses();
    expect(await countOf(pool)).toBe("count 1");
    const pid = await pool.processOf("count");
    process.kill(pid, "SIGKILL");
    while (isAlive(pid)) await later();
    expect(await countOf(pool)).toBe("count 1");
  });

  it("is reported as crashed when it cannot even be started", async () => {
    const pool = makeProcesses();
    const { execPath } = process;
    onTestFinished(() => void (process.execPath = execPath));
    process.execPath = "/nowhere/node";
    await expect(pool.run({ do: "count" })).rejects.toMatchObject({
      code: "task.crashed",
      message: expect.stringMatching(/found that it cannot be started: spawn \/nowhere\/node ENOENT\./),
    });
    process.execPath = execPath;
    expect(await countOf(pool)).toBe("count 1");
  });
});

describe("a process that has no memory left", () => {
  it.each([
    { what: "its heap", payload: { do: "fillHeap" }, found: /JavaScript heap out of memory/ },
    {
      what: "native code",
      payload: { do: "sayAndAbort", text: "terminate called after throwing an instance of 'std::bad_alloc'\n" },
      found: /std::bad_alloc/,
    },
  ])("says whose: $what", async ({ payload, found }) => {
    const written = listen();
    await expect(makeProcesses().run(payload)).rejects.toMatchObject({
      code: "task.out-of-memory",
      message: expect.stringMatching(found),
    });
    // V8's tables and addresses are not for people.
    expect(written()).not.toContain("<--- Last few GCs --->");
  });

  it("is not thought to be the reason of another end", async () => {
    const text = "somebody's FATAL ERROR: Allocation failed - JavaScript heap out of memory\n";
    const written = listen();
    await expect(makeProcesses().run({ do: "exit", code: 3, text })).rejects.toMatchObject({ code: "task.crashed" });
    expect(written()).toBe(text);
  });
});

describe("a process that is stopped by SIGSTOP", () => {
  it("is ended at its deadline, and replaced", async () => {
    const pool = makeProcesses();
    const outcome = pool.run({ do: "hang" }).catch((error: unknown) => error);
    const pid = await pool.processOf("hang");
    process.kill(pid, "SIGSTOP");
    await pool.clock.advance(60_000);
    expect(await outcome).toMatchObject({ code: "task.timed-out" });
    expect(await countOf(pool)).toBe("count 1");
    expect(isAlive(pid)).toBe(false);
  });
});

it("Ctrl-C in a terminal, which goes to all processes, does not end one", async () => {
  const pool = makeProcesses();
  expect(await countOf(pool)).toBe("count 1");
  const pid = await pool.processOf("count");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.kill(pid, signal);
  expect(await countOf(pool)).toBe("count 2");
});

describe("processes whose parent is killed", () => {
  const parent = join(import.meta.dirname, "../../fixtures/threads/parent.js");

  /** A program with two processes at work: one waits, one computes. */
  async function start(): Promise<{ gate: Gate; program: ReturnType<typeof spawn>; children: readonly number[] }> {
    const gate = await Gate.make();
    const program = spawn(process.execPath, [parent, gate.path], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void program.kill("SIGKILL"));
    const [chunk] = (await once(program.stdout, "data")) as [Buffer];
    await gate.arrived(2);
    return { gate, program, children: chunk.toString().trim().split(" ").map(Number) };
  }

  it("end at once, waiting or computing", async () => {
    const { gate, program } = await start();
    program.kill("SIGKILL");
    await gate.left(2);
  });

  it("end when they go on after SIGSTOP", async () => {
    const { gate, program, children } = await start();
    for (const pid of children) process.kill(pid, "SIGSTOP");
    program.kill("SIGKILL");
    await once(program, "close");
    for (const pid of children) if (isAlive(pid)) process.kill(pid, "SIGCONT");
    await gate.left(2);
  });
});
