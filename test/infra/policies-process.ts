import { installPlatform } from "./synth/platform.js";
import { rolePolicies } from "./synth/role-policies.js";
import { synthesise } from "./synth/synth.js";

/**
 * `npm run -s policies -- STAGE`: what each function of a stage may do, as JSON by function, as it would be deployed with the
 * settings in this environment. The account's number is made up.
 */
const [, , stage = "dev"] = process.argv;
const isSetting = ([name]: [string, string | undefined]): boolean => name.startsWith("STAMPEDE_");
const settings = Object.fromEntries(Object.entries(process.env).filter(isSetting)) as Record<string, string>;
await installPlatform();
const policies = Object.entries(rolePolicies(await synthesise(stage, settings)));
const documents = policies.map(([name, policy]) => [name, JSON.parse(policy) as unknown]);
process.stdout.write(`${JSON.stringify(Object.fromEntries(documents), null, 2)}\n`);
