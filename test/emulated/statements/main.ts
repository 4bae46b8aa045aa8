import { functionNames } from "../../../infra/resources.js";
import { installEmulators } from "../support/install-emulators.js";
import { tryWithout } from "./trials.js";
import { statementsOf } from "./without.js";

/**
 * `npm run statements [-- FUNCTION [STATEMENT]]`: takes one statement after the other away from the functions' roles, and runs a job that needs it on an
 * emulated AWS which checks permissions. A line of JSON for each.
 */
const [only, onlyStatement] = process.argv.slice(2);
await installEmulators();
for (const name of functionNames.filter((each) => only === undefined || each === only)) {
  for (const statement of statementsOf(name).filter((each) => (onlyStatement ?? each) === each)) {
    const outcome = await tryWithout(name, statement);
    process.stdout.write(`${JSON.stringify({ function: name, statement, ...outcome })}\n`);
  }
}
