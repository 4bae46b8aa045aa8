import { isStampedeError, StampedeError, type ErrorCode } from "@stampede/core";

/** Codes of what may be wrong with a model itself, wherever it is found. */
const ofModels: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "model.invalid",
  "model.unsupported",
  "model.not-traceable",
]);

/** Adds the folder that a model came from to an error about the model, which may come up long after its files were read. */
export async function namingModel<T>(folder: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isStampedeError(error) || !ofModels.has(error.code) || error.message.includes(folder)) throw error;
    const message = `The model in ${folder}: ${error.message}`;
    throw new StampedeError(error.code, message, { details: error.details, cause: error });
  }
}
