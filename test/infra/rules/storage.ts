import { parse, withoutStatements, withStatement } from "./policies.js";
import { at, differs, set, type Rule } from "./rule.js";

const bucket = "aws:s3:Bucket";
const block = "aws:s3:BucketPublicAccessBlock";
const policy = "aws:s3:BucketPolicy";
const encryption = "aws:s3:BucketServerSideEncryptionConfiguration";
const lifecycle = "aws:s3:BucketLifecycleConfiguration";
const ownership = "aws:s3:BucketOwnershipControls";

export const storageRules: readonly Rule[] = [
  {
    name: "no bucket can be made public",
    check: (graph) =>
      graph.all(bucket).flatMap(({ name, outputs }) => {
        const found = graph.all(block).find(({ inputs }) => inputs["bucket"] === outputs["bucket"])?.inputs;
        const fields = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];
        const [owner] = graph.all(ownership);
        return [
          ...fields.flatMap((field) => differs(`${name} ${field}`, found?.[field], true)),
          ...differs(`${name} owner`, at(owner?.inputs, "rule", "objectOwnership"), "BucketOwnerEnforced"),
        ];
      }),
    violations: {
      "a policy may": (graph) => graph.changed(block, (inputs) => set(inputs, ["blockPublicPolicy"], false)),
      "nothing is blocked": (graph) => graph.without(block),
      "one more bucket": (graph) => graph.and(bucket, { name: "more", bucket: "more" }),
      "lists of who may do what": (graph) =>
        graph.changed(ownership, (inputs) => set(inputs, ["rule", "objectOwnership"], "ObjectWriter")),
    },
  },
  {
    name: "buckets let nobody in by themselves, and are spoken to by TLS only",
    check: (graph) =>
      graph.all(bucket).flatMap(({ name, outputs }) => {
        const found = graph.all(policy).find(({ inputs }) => inputs["bucket"] === outputs["bucket"]);
        const arn = String(outputs["arn"]);
        const expected = {
          Effect: "Deny",
          Action: "s3:*",
          Resource: [arn, `${arn}/*`],
          Principal: "*",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        };
        return differs(name, found && parse(found.inputs["policy"]), [expected]);
      }),
    violations: {
      "without TLS": (graph) =>
        graph.changed(policy, (inputs) => ({ ...inputs, policy: withoutStatements(inputs["policy"], () => true) })),
      "everybody reads": (graph) =>
        graph.changed(policy, (inputs) => ({
          ...inputs,
          policy: withStatement(inputs["policy"], {
            Effect: "Allow",
            Principal: "*",
            Action: "s3:GetObject",
            Resource: "arn:aws:s3:::a/*",
          }),
        })),
      "no policy": (graph) => graph.without(policy),
    },
  },
  {
    name: "objects are encrypted",
    check: (graph) =>
      graph.all(bucket).flatMap(({ name, outputs }) => {
        const found = graph.all(encryption).find(({ inputs }) => inputs["bucket"] === outputs["bucket"]);
        const algorithm = at(found?.inputs, "rules", 0, "applyServerSideEncryptionByDefault", "sseAlgorithm");
        return differs(name, algorithm, "AES256");
      }),
    violations: {
      "nothing is said of it": (graph) => graph.without(encryption),
    },
  },
  {
    name: "uploads that were never finished are thrown away, and jobs after as long as whoever deploys says",
    check: (graph, { settings }) => {
      const rules = graph.all(lifecycle).flatMap(({ inputs }) => inputs["rules"] as readonly unknown[]);
      const enabled = rules.filter((rule) => at(rule, "status") === "Enabled");
      const uploads = enabled.map((rule) => at(rule, "abortIncompleteMultipartUpload", "daysAfterInitiation"));
      const old = enabled
        .filter((rule) => at(rule, "expiration") !== undefined)
        .map((rule) => [at(rule, "filter", "prefix"), at(rule, "expiration", "days")]);
      return [
        ...(uploads.includes(1) ? [] : ["unfinished uploads are kept"]),
        ...differs("expires", old, settings.keepJobsDays === 0 ? [] : [["jobs/", settings.keepJobsDays]]),
      ];
    },
    violations: {
      "nothing is thrown away": (graph) => graph.without(lifecycle),
      "everything is": (graph) =>
        graph.changed(lifecycle, (inputs) =>
          set(inputs, ["rules", 0], { ...(at(inputs, "rules", 0) as object), expiration: { days: 1 } }),
        ),
    },
  },
  {
    name: "what was trained in production is kept when the stage is removed; a stage to try leaves nothing",
    check: (graph, { name: stage }) => {
      const isKept = stage === "production";
      return [
        ...differs("protect", graph.app.protect, isKept),
        ...differs("removal", graph.app.removal, isKept ? "retain" : "remove"),
        ...graph
          .all(bucket)
          .flatMap(({ name, inputs, retainOnDelete }) =>
            differs(name, [retainOnDelete, inputs["forceDestroy"]], [isKept, !isKept]),
          ),
      ];
    },
    violations: {
      "the other way round": (graph) =>
        graph.changed(bucket, (inputs) => set(inputs, ["forceDestroy"], inputs["forceDestroy"] !== true)),
    },
  },
];
