import { join } from "node:path";
import { isKept, prefix } from "../stage.js";

const keptImages = 3;

/**
 * The image of the Batch container: the same bundle as is tested, in `infra/batch.dockerfile`. Built where it is deployed from, which
 * needs a container engine.
 * @returns the image by its digest
 */
export function createImage(folder: string): $util.Output<string> {
  const repository = new aws.ecr.Repository("BatchImages", {
    name: `${prefix}-batch`,
    forceDelete: !isKept,
    encryptionConfigurations: [{ encryptionType: "AES256" }],
    imageScanningConfiguration: { scanOnPush: true },
  });
  new aws.ecr.LifecyclePolicy("BatchImagesLifecycle", {
    repository: repository.name,
    policy: JSON.stringify({
      rules: [
        {
          rulePriority: 1,
          selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: keptImages },
          action: { type: "expire" },
        },
      ],
    }),
  });
  const login = aws.ecr.getAuthorizationTokenOutput({ registryId: repository.registryId });
  const image = new dockerbuild.Image("BatchImage", {
    tags: [$interpolate`${repository.repositoryUrl}:latest`],
    context: { location: join(folder, "batch") },
    dockerfile: { location: join($cli.paths.root, "infra/batch.dockerfile") },
    platforms: ["linux/amd64"],
    push: true,
    registries: [
      { address: repository.repositoryUrl, username: login.userName, password: $util.secret(login.password) },
    ],
  });
  return image.ref;
}
