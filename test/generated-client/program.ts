/** What a user of the generated client writes. It is compiled beside what was generated, so it is a text here. */
export const program = `
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [, , baseUrl = "", token = ""] = process.argv;
const api = createClient<paths>({ baseUrl, headers: { Authorization: \`Bearer \${token}\` } });

function need<T>({ data, error }: { readonly data?: T; readonly error?: components["schemas"]["Problem"] }): T {
  if (data === undefined) throw new Error(error?.detail ?? "no answer");
  return data;
}

const dense = { name: "out", units: 10, activation: "softmax", batch_input_shape: [null, 64] };
const body: components["schemas"]["SubmitJob"] = {
  name: "digits",
  model: { class_name: "Sequential", config: { name: "small", layers: [{ class_name: "Dense", config: dense }] } },
  compile: { optimizer: "adam", loss: "categoricalCrossentropy", metrics: ["accuracy"] },
  data: { train: { format: "builtin", name: "digits", features: { scale: 16 }, labels: { oneHot: 10 } } },
  training: { executors: 2, epochs: 2, batchSize: 32 },
};
const { job } = need(await api.POST("/v1/jobs", { body, params: { header: { "idempotency-key": "generated" } } }));
const again = need(await api.POST("/v1/jobs", { body, params: { header: { "idempotency-key": "generated" } } }));
if (again.job !== job || !again.replayed) throw new Error("the same key made another job");

// Ends with the job.
const events = await api.GET("/v1/jobs/{job}/events", { params: { path: { job } }, parseAs: "text" });
if (!(events.data ?? "").includes("event: job.succeeded")) throw new Error(events.data);
const { status, metrics } = need(await api.GET("/v1/jobs/{job}/result", { params: { path: { job } } }));
const { jobs } = need(await api.GET("/v1/jobs", { params: { query: { limit: 5 } } }));
if (status !== "succeeded" || jobs[0]?.job !== job) throw new Error(status);
console.log(job, metrics);
`;
