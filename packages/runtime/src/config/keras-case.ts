/** `mean_squared_error` to `meanSquaredError`, as tfjs does when it reads a model.json; other names stay. */
export function toCamelCase(name: string): string {
  return name.length <= 1 ? name : name.replaceAll(/_+(\w|$)/g, (_match, next: string) => next.toUpperCase());
}

/** `meanSquaredError` to `mean_squared_error`, as tfjs does when it writes a model.json. */
export function toSnakeCase(name: string): string {
  return name
    .replaceAll(/(.)([A-Z][a-z0-9]+)/g, "$1_$2")
    .replaceAll(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}
