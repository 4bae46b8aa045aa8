import { Shortcoming, tried, type EndpointCheck } from "./check.js";
import { isServiceError, statusOf } from "./asker.js";
import type { Ground, Written } from "./ground.js";

const racers = 16;
const rounds = 5;
/** S3 answers 409 while another request is under way, and has written nothing then. */
const maxTries = 8;

const unfit =
  "do not train here: two executors, or two drivers, would overwrite each other's work. Use a store that evaluates If-None-Match and If-Match atomically";

/** The whole design rests on these: a fact is one object, and is written once. */
export async function checkConditions(ground: Ground): Promise<EndpointCheck[]> {
  return [
    await tried("create if absent", unfit, () => createOnce(ground)),
    await tried(`create if absent, ${racers} at once`, unfit, () => raceAll(ground, "create")),
    await tried("replace if unchanged", unfit, () => replaceOnce(ground)),
    await tried(`replace if unchanged, ${racers} at once`, unfit, () => raceAll(ground, "replace")),
  ];
}

async function createOnce(ground: Ground): Promise<string> {
  const key = ground.key("create-once");
  await ground.put(key, "first", { IfNoneMatch: "*" });
  const second = await outcomeOf(ground.put(key, "second", { IfNoneMatch: "*" }));
  await mustBeRefused(ground, key, second, "If-None-Match: * on an object that is there");
  return "an object that is there is not overwritten (412)";
}

async function replaceOnce(ground: Ground): Promise<string> {
  const key = ground.key("replace-once");
  const { etag } = await ground.put(key, "first");
  const wrong = await outcomeOf(ground.put(key, "second", { IfMatch: '"00000000000000000000000000000000"' }));
  await mustBeRefused(ground, key, wrong, "If-Match with another object's etag");
  const right = await outcomeOf(ground.put(key, "third", { IfMatch: etag }));
  if (right.type !== "won") throw new Shortcoming(`If-Match with the etag of the object in place is refused`);
  const shown = await ground.get(key);
  if (shown !== "third") throw new Shortcoming(`a replaced object still reads ${JSON.stringify(shown)}`);
  const nowhere = await outcomeOf(ground.put(ground.key("replace-missing"), "fourth", { IfMatch: etag }));
  if (nowhere.type === "won") throw new Shortcoming("If-Match on a key without an object creates one");
  return "neither another object nor a missing one is replaced (412, 404)";
}

async function mustBeRefused(ground: Ground, key: string, outcome: Outcome, what: string): Promise<void> {
  if (outcome.type === "won") throw new Shortcoming(`${what} is ignored: the object was overwritten`);
  const shown = await ground.get(key);
  if (shown !== "first") throw new Shortcoming(`${what} is refused, but the object now reads ${JSON.stringify(shown)}`);
}

async function raceAll(ground: Ground, kind: "create" | "replace"): Promise<string> {
  for (let round = 1; round <= rounds; round += 1) await race(ground, kind, round);
  return `exactly 1 winner in each of ${rounds} races`;
}

/** Bodies differ, because equal ones have equal etags, and of those several writers may win. */
async function race(ground: Ground, kind: "create" | "replace", round: number): Promise<void> {
  const key = ground.key(`race-${kind}-${round}`);
  const condition =
    kind === "create" ? { IfNoneMatch: "*" } : { IfMatch: (await ground.put(key, `base ${round}`)).etag };
  const outcomes = await Promise.all(
    Array.from({ length: racers }, (_, racer) => contend(() => ground.put(key, nameOf(racer), condition))),
  );
  const winners = outcomes.flatMap(({ type }, racer) => (type === "won" ? [racer] : []));
  const shown = await ground.get(key);
  // The answer of a success may be lost, and its repetition then finds itself in the way.
  const unclear = outcomes.flatMap(({ type }, racer) => (type === "unclear" ? [racer] : []));
  const isHidden = winners.length === 0 && unclear.some((racer) => nameOf(racer) === shown);
  if (winners.length !== 1 && !isHidden) {
    throw new Shortcoming(`${winners.length} of ${racers} racers were told that they had won (race ${round})`);
  }
  if (!isHidden && !winners.some((racer) => nameOf(racer) === shown)) {
    throw new Shortcoming(`the object of race ${round} is not the winner's: it reads ${JSON.stringify(shown)}`);
  }
}

function nameOf(racer: number): string {
  return `racer ${racer}`;
}

type Outcome =
  | { readonly type: "won"; readonly etag: string }
  | { readonly type: "lost" }
  /** It was sent more than once: an earlier try may have taken effect. */
  | { readonly type: "unclear" }
  | { readonly type: "busy" };

async function contend(put: () => Promise<Written>): Promise<Outcome> {
  let outcome: Outcome = { type: "busy" };
  for (let tries = 0; tries < maxTries && outcome.type === "busy"; tries += 1) outcome = await outcomeOf(put());
  return outcome;
}

/** @throws whatever is no answer to the condition */
export async function outcomeOf(writing: Promise<Written>): Promise<Outcome> {
  try {
    return { type: "won", ...(await writing) };
  } catch (error) {
    const status = statusOf(error);
    if (status === 409) return { type: "busy" };
    if (status !== 412 && status !== 404) throw error;
    const tries = isServiceError(error) ? (error.$metadata.attempts ?? 1) : 1;
    return { type: tries > 1 ? "unclear" : "lost" };
  }
}
