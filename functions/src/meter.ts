import { MetricUnit, Metrics } from "@aws-lambda-powertools/metrics";
import { RequestMeter } from "@stampede/aws";

/** Counts what every client of this environment asks of AWS. */
export const requests = new RequestMeter();

/** Written to the log in the embedded metric format: no request of its own. */
const metrics = new Metrics({ namespace: "Stampede", serviceName: "stampede" });

/** Ends an invocation: tells its metrics and how many requests it made. */
export function tellMetrics(functionName: string): void {
  metrics.addDimension("function", functionName);
  for (const [request, count] of Object.entries(requests.counts())) {
    metrics.addMetric(request.replace(":", "."), MetricUnit.Count, count);
  }
  metrics.addMetric("invocations", MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
  requests.reset();
}
