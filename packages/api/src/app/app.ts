import { Hono } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { openApiDocument } from "../contract/openapi.js";
import { operations } from "../contract/operations.js";
import type { ApiDeps } from "./deps.js";
import { downloadRoutes } from "./downloads.js";
import { eventRoutes } from "./events.js";
import { inferenceRoutes } from "./inference.js";
import { jobRoutes } from "./jobs.js";
import { Router } from "./route.js";
import { uploadRoutes } from "./uploads.js";

export interface Api {
  readonly app: Hono;
  /** Ends what would go on for as long as its reader likes: event streams. */
  close(): void;
}

/** The HTTP API: one app for `stampede serve` and for a function. */
export function buildApi(deps: ApiDeps): Api {
  const app = new Hono();
  app.use(secureHeaders({ contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } }));
  app.use(async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
  });
  const origins = deps.origins ?? [];
  if (origins.length > 0) {
    const allowHeaders = ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"];
    app.use(cors({ origin: [...origins], allowHeaders, allowMethods: ["GET", "POST", "PUT"] }));
  }
  const router = new Router(app, deps);
  router.route(operations.health, () => ({ status: 200, json: { status: "ok", version: deps.version } }));
  const document = openApiDocument(deps.version);
  router.route(operations.describe, () => ({ status: 200, json: document }));
  jobRoutes(router, deps);
  const streams = eventRoutes(router, deps);
  downloadRoutes(router, deps);
  inferenceRoutes(router, deps);
  uploadRoutes(router, deps);
  return { app, close: () => streams.close() };
}
