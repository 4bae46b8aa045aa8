export type { RunnerTrouble } from "./messages.js";
export { defaultPort, serve, type Served, type ServeOptions } from "./serve.js";
