import type { FunctionName, QueueName } from "./resources.js";

/**
 * What the parts of one deployment are called in AWS. The names are known before anything is created, so that a function can be told
 * the name of another, and of itself.
 *
 * The driver tells its queues apart by their names: those MUST hold the names of the table.
 */
export interface Names {
  readonly function: (name: FunctionName) => string;
  readonly queue: (name: QueueName) => string;
  readonly deadLetters: (name: QueueName) => string;
  readonly logGroup: (name: FunctionName) => string;
}

/** Of 64 characters that a function or role may have, less the longest end: `-parameter-server`. */
const maxPrefix = 47;

/**
 * @param prefix of all names of a deployment: `stampede-` and its stage
 * @throws Error when names would be longer than AWS takes them
 */
export function namesOf(prefix: string): Names {
  if (prefix.length > maxPrefix) {
    const found = `found "${prefix}" with ${prefix.length}`;
    throw new Error(`Expected names to begin with at most ${maxPrefix} characters, ${found}. Take a shorter stage.`);
  }
  const functionName = (name: FunctionName): string => `${prefix}-${name}`;
  return {
    function: functionName,
    queue: (name) => `${prefix}-${name}`,
    deadLetters: (name) => `${prefix}-${name}-dead`,
    // Where Lambda writes by itself.
    logGroup: (name) => `/aws/lambda/${functionName(name)}`,
  };
}
