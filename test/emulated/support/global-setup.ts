import { packageFunctions } from "../../../infra/emulated/package-function.js";
import { setup as setUpTests } from "../../global-setup.js";

/** As for all tests; besides it builds the functions, once for all files. */
export async function setup(): Promise<() => void> {
  await packageFunctions();
  return setUpTests();
}
