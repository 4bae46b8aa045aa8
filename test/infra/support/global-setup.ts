import { installPlatform } from "../synth/platform.js";
import { bothStages } from "./stages.js";

/** What all tests of the infrastructure need, once: SST's platform, and the graphs of two stages. */
export async function setup(): Promise<() => Promise<void>> {
  await installPlatform();
  return bothStages();
}
