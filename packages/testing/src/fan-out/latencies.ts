/** A time that is another one at every try: lognormal around its median. */
export interface Spread {
  readonly medianMs: number;
  /** Of the logarithm: .4 puts one try in six above 1.5 times the median. */
  readonly sigma: number;
}

/** How fast the parts of a cloud are. Yours may differ: give your own. */
export interface Latencies {
  /** When they were looked up. */
  readonly asOf: string;
  /** First byte of an answer; HEAD and LIST too. */
  readonly s3Read: Spread;
  /** From the last byte sent to the answer. */
  readonly s3Write: Spread;
  /** Of one environment of a function, both directions together: between these. */
  readonly bytesPerSecond: readonly [number, number];
  /** Below one prefix. More are answered 503 and tried again: here they wait for their turn. */
  readonly s3ReadsPerSecond: number;
  readonly s3WritesPerSecond: number;
  readonly sqsSend: Spread;
  /** From a message that is visible to a function that is called with it. */
  readonly sqsPoll: Spread;
  /** An event source begins with so many calls at the same time ... */
  readonly eventSourceCalls: number;
  /** ... and has so many more each minute while messages wait. */
  readonly eventSourceCallsPerMinute: number;
  /** The answer to an asynchronous invocation. */
  readonly invoke: Spread;
  /** From there to the function's first line, where an environment is warm. */
  readonly dispatch: Spread;
  /** The same where none is: sandbox, Node.js, the bundle's code. All of it but the sandbox is billed. */
  readonly coldStart: Spread;
  /** New environments of one function in any ten seconds. */
  readonly environmentsPerTenSeconds: number;
  /** Of the SDK, for each request. */
  readonly requestCpuMs: number;
  /** What an executor does with weights that it has read: decoded, checked, hashed. */
  readonly loadBytesPerSecond: number;
  /** What a parameter server does with deltas: decoded, checked, averaged. */
  readonly averageBytesPerSecond: number;
  /** Weights that are to be written: norm, checksums, encoding. */
  readonly saveBytesPerSecond: number;
}

/**
 * As published, and where nothing is, as measured by others:
 * - S3: 20 ... 80 ms a request and 65 ... 90 MB/s a function (LambdaML, arXiv 2105.07806: 80 ms and 65 MB/s; later measurements are faster);
 *   5,500 reads and 3,500 writes a second and prefix (AWS, "Best practices design patterns: optimizing Amazon S3 performance").
 * - SQS: 10 ... 30 ms a call. Event sources: five calls at first, 300 more a minute (AWS, "Configuring scaling behavior for SQS event
 *   source mappings").
 * - Lambda: 1,000 environments a function in ten seconds (AWS, "Lambda function scaling"). Cold start of Node.js without a network of one's
 *   own: 200 ... 400 ms, and the 400 ms that the executor's bundle may take.
 * - Rates of processors: `decodeTensorRecord`, `hashTensors`, `WeightedMean.add`, `deltaNorm` and `encodeTensorRecord` on 32 MB, one thread of a
 *   Xeon at 2 GHz that was busy besides: 4.7, 0.51, 0.80, 0.95 and 0.24 GB/s.
 */
export const publishedLatencies: Latencies = {
  asOf: "2026-11",
  s3Read: { medianMs: 30, sigma: 0.4 },
  s3Write: { medianMs: 45, sigma: 0.4 },
  bytesPerSecond: [65e6, 90e6],
  s3ReadsPerSecond: 5_500,
  s3WritesPerSecond: 3_500,
  sqsSend: { medianMs: 15, sigma: 0.3 },
  sqsPoll: { medianMs: 20, sigma: 0.5 },
  eventSourceCalls: 5,
  eventSourceCallsPerMinute: 300,
  invoke: { medianMs: 40, sigma: 0.3 },
  dispatch: { medianMs: 30, sigma: 0.5 },
  coldStart: { medianMs: 700, sigma: 0.25 },
  environmentsPerTenSeconds: 1_000,
  requestCpuMs: 0.5,
  loadBytesPerSecond: 0.46e9,
  averageBytesPerSecond: 0.68e9,
  saveBytesPerSecond: 0.19e9,
};
