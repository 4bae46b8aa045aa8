import { prefix, region } from "../stage.js";

interface Network {
  readonly subnets: $util.Output<string>[];
  readonly securityGroupIds: $util.Output<string>[];
}

/**
 * Machines have addresses of their own, because a NAT gateway costs more than most jobs; nobody can speak to them first. Costs nothing
 * while there are no machines.
 */
export function createNetwork(): Network {
  const tags = { Name: prefix };
  const vpc = new aws.ec2.Vpc("BatchNetwork", {
    cidrBlock: "10.0.0.0/16",
    enableDnsSupport: true,
    enableDnsHostnames: true,
    tags,
  });
  const gateway = new aws.ec2.InternetGateway("BatchGateway", { vpcId: vpc.id, tags });
  const routes = new aws.ec2.RouteTable("BatchRoutes", {
    vpcId: vpc.id,
    routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: gateway.id }],
    tags,
  });
  // What machines read and write stays inside of AWS.
  new aws.ec2.VpcEndpoint("BatchObjects", {
    vpcId: vpc.id,
    serviceName: $interpolate`com.amazonaws.${region}.s3`,
    vpcEndpointType: "Gateway",
    routeTableIds: [routes.id],
    tags,
  });
  // Nobody is to use it by mistake.
  new aws.ec2.DefaultSecurityGroup("BatchNobody", { vpcId: vpc.id, ingress: [], egress: [], tags });
  const group = new aws.ec2.SecurityGroup("BatchMachines", {
    description: "Stampede: machines of Batch, which speak to AWS and hear nobody",
    vpcId: vpc.id,
    ingress: [],
    egress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] }],
    tags,
  });
  return { subnets: createSubnets(vpc, routes), securityGroupIds: [group.id] };
}

/** In two zones: one may have no machines. */
function createSubnets(vpc: aws.ec2.Vpc, routes: aws.ec2.RouteTable): $util.Output<string>[] {
  const zones = aws.getAvailabilityZonesOutput({
    state: "available",
    // Not those that have to be asked for.
    filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
  });
  return [0, 1].map((index) => {
    const subnet = new aws.ec2.Subnet(`BatchSubnet${index + 1}`, {
      vpcId: vpc.id,
      cidrBlock: `10.0.${index}.0/24`,
      availabilityZone: zones.names.apply((names) => names[index] ?? ""),
      mapPublicIpOnLaunch: true,
      tags: { Name: `${prefix}-${index + 1}` },
    });
    new aws.ec2.RouteTableAssociation(`BatchRoute${index + 1}`, { subnetId: subnet.id, routeTableId: routes.id });
    return subnet.id;
  });
}
