import { createCipheriv } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { account, region } from "./paths.js";

/** What the `sst` command answers its components: it is the other end of their calls. Nothing else is asked where no engine runs. */
const methods: Readonly<Record<string, (input: never) => unknown>> = {
  "Provider.Aws.Bootstrap": () => ({
    version: 5,
    asset: `sst-asset-${region}`,
    state: `sst-state-${region}`,
    assetEcrRegistryId: account,
    assetEcrUrl: `${account}.dkr.ecr.${region}.amazonaws.com/sst-asset`,
    appsyncHttp: "",
    appsyncRealtime: "",
  }),
  "Runtime.Build": buildFunction,
};

interface BuildInput {
  readonly functionID: string;
  readonly handler: string;
  readonly bundle?: string;
  readonly links: unknown;
  readonly encryptionKey: string;
}

/** Every function of ours is bundled before; of one that is not, somebody has forgotten it. As the command does, adds the links. */
function buildFunction({ functionID, handler, bundle, links, encryptionKey }: BuildInput): unknown {
  if (bundle === undefined) return { handler, out: "", errors: [`${functionID} has no bundle`], sourcemaps: [] };
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(encryptionKey, "base64"), Buffer.alloc(12));
  const sealed = [cipher.update(JSON.stringify(links)), cipher.final(), cipher.getAuthTag()];
  writeFileSync(join(bundle, "resource.enc"), Buffer.concat(sealed));
  return { handler, out: bundle, errors: [], sourcemaps: [] };
}

/** Answers as long as the process lives, and does not keep it alive. */
export async function startRpcServer(): Promise<string> {
  const server = createServer((request, response) => {
    // A connection that is kept would keep the process.
    response.setHeader("connection", "close");
    void text(request).then((body) => response.end(answer(body)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answer(body: string): string {
  const { method, params } = JSON.parse(body) as { readonly method: string; readonly params: readonly [never] };
  const call = methods[method];
  if (call === undefined) return JSON.stringify({ error: `rpc: can't find method ${method}` });
  try {
    return JSON.stringify({ result: call(params[0]) });
  } catch (error) {
    return JSON.stringify({ error: String(error) });
  }
}
