import { AddPermissionCommand, CreateFunctionUrlConfigCommand, type LambdaClient } from "@aws-sdk/client-lambda";

/**
 * Gives a function an address, open to everybody as the one that SST makes.
 * @param userEndpoint where users reach the emulator
 */
export async function openFunctionUrl(lambda: LambdaClient, name: string, userEndpoint: string): Promise<string> {
  const everybody = { FunctionName: name, Principal: "*" };
  await lambda.send(
    new AddPermissionCommand({
      ...everybody,
      StatementId: "by-address",
      Action: "lambda:InvokeFunctionUrl",
      FunctionUrlAuthType: "NONE",
    }),
  );
  // Addresses that were made since October 2025 need both. https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
  await lambda.send(
    new AddPermissionCommand({
      ...everybody,
      StatementId: "by-address-only",
      Action: "lambda:InvokeFunction",
      InvokedViaFunctionUrl: true,
    }),
  );
  const { FunctionUrl = "" } = await lambda.send(
    new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: "NONE", InvokeMode: "RESPONSE_STREAM" }),
  );
  return addressOn(FunctionUrl, userEndpoint);
}

/** MiniStack tells an address of AWS, and answers at a path of its own; LocalStack tells where it answers. */
function addressOn(url: string, userEndpoint: string): string {
  const { hostname } = new URL(url);
  if (!hostname.endsWith(".on.aws")) return url.replace(/\/$/, "");
  const [id = ""] = hostname.split(".");
  return `${userEndpoint}/_aws/lambda-url/${id}`;
}
