/**
 * For `server.deps.external`: the built packages are loaded by Node.js itself. The workspace's links lead out of `node_modules`, so that
 * Vitest would take them for sources, and transform them anew for each test file.
 */
export const builtPackages = [/\/(packages\/[^/]+|functions)\/dist\//];
