/** Losses as `compile` takes them: one for all outputs, a list, or by the output's name. */
export type Losses<T> = T | T[] | Record<string, T>;
/** Metrics as `compile` takes them: the same for all outputs, or one or several by the output's name. */
export type Metrics<T> = T[] | Record<string, T | T[]>;

/** Changes every name and keeps the form. */
export function mapLosses<T>(losses: Losses<string>, change: (name: string) => T): Losses<T> {
  if (typeof losses === "string") return change(losses);
  return Array.isArray(losses) ? losses.map(change) : mapValues(losses, change);
}

/** Changes every name and keeps the form. */
export function mapMetrics<T>(metrics: Metrics<string>, change: (name: string) => T): Metrics<T> {
  if (Array.isArray(metrics)) return metrics.map(change);
  return mapValues(metrics, (names) => (Array.isArray(names) ? names.map(change) : change(names)));
}

function mapValues<V, W>(object: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(object).map(([key, value]): [string, W] => [key, change(value)]));
}
