import { findPython313, installLocalStack } from "../../../infra/emulated/localstack.js";
import { installMiniStack } from "../../../infra/emulated/ministack.js";
import { packageFunctions } from "../../../infra/emulated/package-function.js";
import { setup as setUpTests } from "../../global-setup.js";

/** As for all tests; besides it installs the emulators and builds the functions, once and before several files want to. */
export async function setup(): Promise<() => void> {
  await installMiniStack();
  const python = await findPython313();
  if (python !== undefined) await installLocalStack(python);
  await packageFunctions();
  return setUpTests();
}
