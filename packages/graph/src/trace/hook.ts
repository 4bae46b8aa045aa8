/**
 * Puts a function in the place of an object's method.
 * @returns a function that puts back what was there: the object's own one, or that of its class
 */
export function hookMethod<T extends object, K extends keyof T>(object: T, name: K, replacement: T[K]): () => void {
  const own = Object.getOwnPropertyDescriptor(object, name);
  Reflect.set(object, name, replacement);
  return () => {
    if (own === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, own);
  };
}
