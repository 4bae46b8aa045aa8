import { beforeAll, it } from "vitest";
import { installPlatform } from "../infra/synth/platform.js";
import { rolePoliciesOnEmulator } from "../infra/synth/role-policies.js";
import { synthesise } from "../infra/synth/synth.js";
import { Cloud } from "./support/cloud.js";
import { expectSame, trainHere, type Reference } from "./support/here.js";
import { mnist } from "./support/jobs.js";

let cloud: Cloud;
let reference: Reference;
beforeAll(async () => {
  reference = await trainHere(mnist);
  await installPlatform();
  const policies = rolePoliciesOnEmulator(await synthesise("roles"));
  cloud = await Cloud.open({ ministack: { checkPermissions: true }, deploy: { byRole: true, policies } });
  return () => cloud.close();
});

it("trains under the very roles that SST would deploy", async () => {
  await expectSame(await cloud.train(mnist), reference);
  await cloud.isQuiet();
});
