/** List prices in US dollars. Yours may differ: give your own. */
export interface Prices {
  /** When they were looked up. */
  readonly asOf: string;
  readonly region: string;
  /** Of one GB of memory for one second, on x86. */
  readonly lambdaGbSecond: number;
  readonly lambdaRequest: number;
  /** PUT, COPY, POST and LIST. */
  readonly s3Write: number;
  /** GET, HEAD and everything else; DELETE is free. */
  readonly s3Read: number;
  /** Every call, for each 64 KB that it carries. */
  readonly sqsRequest: number;
  /** Of the machine that runs a Batch job, an hour: AWS Batch itself is free. */
  readonly batchHour: number;
}

/**
 * us-east-1, without the free tier. https://aws.amazon.com/lambda/pricing, /s3/pricing, /sqs/pricing; the machine is a g4dn.xlarge (one
 * NVIDIA T4) on demand, https://aws.amazon.com/ec2/pricing/on-demand.
 */
export const listPrices: Prices = {
  asOf: "2026-11",
  region: "us-east-1",
  lambdaGbSecond: 0.0000166667,
  lambdaRequest: 0.2e-6,
  s3Write: 0.005e-3,
  s3Read: 0.0004e-3,
  sqsRequest: 0.4e-6,
  batchHour: 0.526,
};
