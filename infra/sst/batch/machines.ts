import { trustOf } from "../../policy.js";
import type { BatchSettings } from "../../settings.js";
import { arnOfManagedPolicy, prefix } from "../stage.js";
import { createNetwork } from "./network.js";

interface MachineKind {
  /** With 4 processors and 16 GiB each, so that one job is one machine; several, because spot machines of one kind run out. */
  readonly types: readonly string[];
  /** Of the system that Amazon keeps up to date for containers. */
  readonly image: string;
  readonly gpus: number;
}

export const machineKinds: Readonly<Record<BatchSettings["machines"], MachineKind>> = {
  cpu: { types: ["m7i.xlarge", "m7a.xlarge", "m6i.xlarge", "m6a.xlarge"], image: "ECS_AL2023", gpus: 0 },
  gpu: { types: ["g6.xlarge", "g5.xlarge", "g4dn.xlarge"], image: "ECS_AL2023_NVIDIA", gpus: 1 },
};

const rootDeviceGb = 50;

/** The queue of Batch jobs, before machines that are there only while jobs are. */
export function createJobQueue({ machines, buys, maxVcpus }: BatchSettings): aws.batch.JobQueue {
  const kind = machineKinds[machines];
  const network = createNetwork();
  const common = { ...network, ...createMachineSettings(), instanceRole: createMachineRole().arn, maxVcpus };
  const purchases = buys === "both" ? (["spot", "on-demand"] as const) : [buys];
  const environments = purchases.map((purchase) => createEnvironment(purchase, kind, common));
  return new aws.batch.JobQueue("BatchQueue", {
    name: prefix,
    state: "ENABLED",
    priority: 1,
    computeEnvironmentOrders: environments.map(({ arn }, order) => ({ order: order + 1, computeEnvironment: arn })),
  });
}

type Common = Pick<
  aws.types.input.batch.ComputeEnvironmentComputeResources,
  "subnets" | "securityGroupIds" | "launchTemplate" | "instanceRole" | "maxVcpus"
>;

function createEnvironment(
  purchase: "spot" | "on-demand",
  kind: MachineKind,
  common: Common,
): aws.batch.ComputeEnvironment {
  const isSpot = purchase === "spot";
  return new aws.batch.ComputeEnvironment(isSpot ? "BatchSpot" : "BatchOnDemand", {
    // AWS makes new machines before it ends the old ones when something is changed: both cannot have one name.
    namePrefix: `${prefix}-${purchase}-`,
    type: "MANAGED",
    state: "ENABLED",
    computeResources: {
      ...common,
      type: isSpot ? "SPOT" : "EC2",
      allocationStrategy: isSpot ? "SPOT_PRICE_CAPACITY_OPTIMIZED" : "BEST_FIT_PROGRESSIVE",
      minVcpus: 0,
      instanceTypes: [...kind.types],
      ec2Configurations: [{ imageType: kind.image }],
    },
  });
}

/** Disks are encrypted, and a container cannot ask for the machine's own credentials: their answer does not reach it. */
function createMachineSettings(): Pick<Common, "launchTemplate"> {
  const template = new aws.ec2.LaunchTemplate("BatchMachineSettings", {
    namePrefix: `${prefix}-`,
    metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
    blockDeviceMappings: [
      {
        deviceName: "/dev/xvda",
        ebs: { volumeSize: rootDeviceGb, volumeType: "gp3", encrypted: "true", deleteOnTermination: "true" },
      },
    ],
  });
  return {
    launchTemplate: {
      launchTemplateId: template.id,
      version: template.latestVersion.apply((version) => String(version)),
    },
  };
}

/** What the agent on a machine may do: AWS's own policy for it, because Batch makes the cluster and names it. */
function createMachineRole(): aws.iam.InstanceProfile {
  const role = new aws.iam.Role("BatchMachineRole", {
    name: `${prefix}-batch-machine`,
    assumeRolePolicy: trustOf("ec2.amazonaws.com"),
  });
  new aws.iam.RolePolicyAttachment("BatchMachinePolicy", {
    role: role.name,
    policyArn: arnOfManagedPolicy("service-role/AmazonEC2ContainerServiceforEC2Role"),
  });
  return new aws.iam.InstanceProfile("BatchMachineProfile", { name: `${prefix}-batch-machine`, role: role.name });
}
