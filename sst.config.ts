/// <reference path="./.sst/platform/config.d.ts" />

/** Deploys Stampede to AWS: `npx sst deploy --stage NAME`, see `infra/README.md`. The resources stand in `infra/sst`. */
export default $config({
  app({ stage }) {
    const isProduction = stage === "production";
    return {
      name: "stampede",
      home: "aws",
      // Of production what was trained is kept, also when the stage is removed; and it is not removed by mistake.
      removal: isProduction ? "retain" : "remove",
      protect: isProduction,
      providers: {
        aws: { version: "7.20.0", defaultTags: { tags: { project: "stampede", stage } } },
        "docker-build": "0.0.14",
      },
    };
  },
  async run() {
    const { stampede } = await import("./infra/sst/stampede.js");
    return stampede();
  },
});
