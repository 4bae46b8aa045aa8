import { packageFunctions } from "../../../infra/emulated/package-function.js";
import { setup as setUpTests } from "../../global-setup.js";
import { installEmulators } from "./install-emulators.js";

/** As for all tests; besides it installs the emulators and builds the functions, once and before several files want to. */
export async function setup(): Promise<() => void> {
  await installEmulators();
  await packageFunctions();
  return setUpTests();
}
