import { findPython313, installLocalStack } from "../../../infra/emulated/localstack.js";
import { installMiniStack } from "../../../infra/emulated/ministack.js";

/** Installs the emulators where they are not yet, one after the other. */
export async function installEmulators(): Promise<void> {
  await installMiniStack();
  const python = await findPython313();
  if (python !== undefined) await installLocalStack(python);
}
