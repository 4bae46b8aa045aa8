import { spawn, type ChildProcess } from "node:child_process";

/** Remembers the process groups it is told of, `+ID` and `-ID`, and kills those that are left when nobody holds its stdin any more. */
const script = `
groups=" "
while read -r line; do
  id="\${line#?}"
  case "$line" in
    +*) groups="$groups$id " ;;
    -*) groups="\${groups%% $id *} \${groups#* $id }" ;;
  esac
done
for id in $groups; do kill -9 "-$id" 2>/dev/null; done
`;

/** Sees to it that no job outlives the runner, also when the runner is killed. */
export class Watchdog {
  readonly #child: ChildProcess;

  constructor() {
    // In a group of its own: Ctrl-C in a terminal, or the end of the runner's group, does not reach it.
    this.#child = spawn("/bin/sh", ["-c", script], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    this.#child.on("error", () => undefined);
    this.#child.stdin?.on("error", () => undefined);
    this.#child.unref();
  }

  watch(group: number): void {
    this.#child.stdin?.write(`+${group}\n`);
  }

  forget(group: number): void {
    this.#child.stdin?.write(`-${group}\n`);
  }

  /** Kills what it still watches. */
  close(): void {
    this.#child.stdin?.end();
  }
}
