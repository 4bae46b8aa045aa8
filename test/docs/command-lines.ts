/** A command of a `sh no-run` block. */
export interface CommandLine {
  readonly program: string;
  /** What follows the program, options left out, up to the first that is no plain word: `jobs list`, `run bench`. */
  readonly words: readonly string[];
  /** `--set`, `--out`... */
  readonly options: readonly string[];
}

/** What the checks compare commands with. */
export interface KnownCommands {
  /** The scripts of the root's package.json. */
  readonly scripts: ReadonlySet<string>;
  /** The text that `PROGRAM WORDS --help` prints. */
  readonly helpOf: (program: "stampede" | "sst", words: readonly string[]) => Promise<string>;
}

/** What the shell does itself. */
const shellBuiltIns: ReadonlySet<string> = new Set(["export"]);
const npmBuiltIns: ReadonlySet<string> = new Set(["ci", "install"]);

/** One command a line, or several joined by `&&`; comments are left out, and so is a leading `npx`. */
export function commandLines(text: string): readonly CommandLine[] {
  const commands = text.split(/\n|&&/).map((command) => command.replace(/(^|\s)#.*/, "").trim());
  return commands.filter((command) => command !== "").map(commandLine);
}

function commandLine(command: string): CommandLine {
  const all = command.split(/\s+/);
  const [program = "", ...rest] = all[0] === "npx" ? all.slice(1) : all;
  const end = rest.findIndex((word) => !/^[a-z:]+$/.test(word));
  return {
    program,
    words: end === -1 ? rest : rest.slice(0, end),
    options: rest.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/=.*/, "")),
  };
}

/** Why a command cannot be what the reader is told to type; undefined when it exists. */
export async function unknownIn(command: CommandLine, known: KnownCommands): Promise<string | undefined> {
  const { program } = command;
  if (program === "npm") return unknownInNpm(command, known.scripts);
  if (program === "stampede" || program === "sst") return unknownInProgram(program, command, known);
  if (shellBuiltIns.has(program)) return undefined;
  return `expected a command of npm, stampede or sst, found ${program}`;
}

function unknownInNpm({ words }: CommandLine, scripts: ReadonlySet<string>): string | undefined {
  const [verb = "", script = ""] = words;
  const name = verb === "run" ? script : verb;
  const exists = scripts.has(name) || (verb !== "run" && npmBuiltIns.has(verb));
  return exists ? undefined : `package.json has no script ${name}`;
}

async function unknownInProgram(
  program: "stampede" | "sst",
  { words, options }: CommandLine,
  known: KnownCommands,
): Promise<string | undefined> {
  const [name = ""] = words;
  const help = await known.helpOf(program, words);
  const shown = `${program} ${words.join(" ")}`;
  // With a name that they do not know, they print the help of the command above, which lists its commands.
  if (!new RegExp(`^Usage: ${program} ${name}\\s`).test(help) || help.includes("\nCommands:")) {
    return `there is no command ${shown}`;
  }
  const described = new Set(help.split(/[\s,]+/));
  const missing = options.filter((option) => !described.has(option));
  return missing.length === 0 ? undefined : `${shown} has no option ${missing.join(", ")}`;
}
