import { describe, expect, it } from "vitest";
import { namesOf } from "../../../infra/names.js";
import { settingsFrom } from "../../../infra/settings.js";

describe("the settings of a deployment", () => {
  it("are the cheapest and the narrowest where nothing is said", () => {
    expect(settingsFrom({})).toEqual({ dataBuckets: [], monthlyBudget: 50, keepJobsDays: 0 });
  });

  it("are what the variables say", () => {
    const settings = settingsFrom({
      STAMPEDE_ALARM_EMAIL: "me@example.com",
      STAMPEDE_BATCH: "both",
      STAMPEDE_BATCH_MACHINES: "gpu",
      STAMPEDE_BATCH_MAX_VCPUS: "8",
      STAMPEDE_BUDGET_USD: "0",
      STAMPEDE_DATA_BUCKETS: "one, two-data ,",
      STAMPEDE_KEEP_JOBS_DAYS: " 30 ",
      STAMPEDE_MAX_EXECUTORS: "10",
      STAMPEDE_MAX_REQUESTS: "5",
      STAMPEDE_SOMETHING_ELSE: "x",
    });
    expect(settings).toEqual({
      alarmEmail: "me@example.com",
      batch: { machines: "gpu", buys: "both", maxVcpus: 8 },
      monthlyBudget: 0,
      dataBuckets: ["one", "two-data"],
      keepJobsDays: 30,
      maxExecutors: 10,
      maxRequests: 5,
    });
  });

  it("that are set to nothing are not set", () => {
    expect(settingsFrom({ STAMPEDE_BATCH: "", STAMPEDE_ALARM_EMAIL: " ", STAMPEDE_BUDGET_USD: "" })).toEqual(
      settingsFrom({}),
    );
  });

  it.each([
    [{ STAMPEDE_BATCH: "yes" }, 'Expected STAMPEDE_BATCH to be one of off, spot, on-demand, both, found "yes".'],
    [{ STAMPEDE_BATCH_MACHINES: "tpu" }, 'Expected STAMPEDE_BATCH_MACHINES to be one of cpu, gpu, found "tpu".'],
    [{ STAMPEDE_BUDGET_USD: "-1" }, 'Expected STAMPEDE_BUDGET_USD to be a whole number, found "-1".'],
    [{ STAMPEDE_MAX_EXECUTORS: "1e9" }, 'Expected STAMPEDE_MAX_EXECUTORS to be a whole number, found "1e9".'],
    [{ STAMPEDE_ALARM_EMAIL: "me" }, 'Expected STAMPEDE_ALARM_EMAIL to be an address, found "me".'],
    [{ STAMPEDE_DATA_BUCKETS: "ok,*" }, "to be names of buckets, with commas between them, found"],
    [{ STAMPEDE_DATA_BUCKETS: "ok/../else" }, "to be names of buckets, with commas between them, found"],
  ])("%j is refused", (variables, message) => {
    expect(() => settingsFrom(variables)).toThrow(message);
    expect(() => settingsFrom(variables)).toThrow("Nothing is deployed.");
  });
});

describe("the names of a deployment", () => {
  it("hold those of the table", () => {
    const names = namesOf("stampede-me");
    expect(names.queue("invocations")).toBe("stampede-me-invocations");
    expect(names.logGroup("parameter-server")).toBe("/aws/lambda/stampede-me-parameter-server");
  });

  it("are refused when they are longer than AWS takes them", () => {
    const longest = `stampede-${"x".repeat(38)}`;
    expect(namesOf(longest).function("parameter-server")).toHaveLength(64);
    expect(() => namesOf(`${longest}x`)).toThrow("Take a shorter stage.");
  });
});
