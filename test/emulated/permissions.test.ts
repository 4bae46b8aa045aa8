import { beforeAll, it } from "vitest";
import { Cloud } from "./support/cloud.js";
import { expectSame, trainHere, type Reference } from "./support/here.js";
import { mnist } from "./support/jobs.js";

let cloud: Cloud;
let reference: Reference;
beforeAll(async () => {
  reference = await trainHere(mnist);
  cloud = await Cloud.open({ ministack: { checkPermissions: true }, deploy: { byRole: true } });
  return () => cloud.close();
});

it("needs no permission but those of the table of resources", async () => {
  await expectSame(await cloud.train(mnist), reference);
  await cloud.isQuiet();
});
