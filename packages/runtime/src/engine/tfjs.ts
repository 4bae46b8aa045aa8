import { loadCore, loadLayers } from "../lazy-tfjs.js";

/** For the modules that only `createEngine` and its like load. */
export const tf = loadCore();
export const tfl = loadLayers();
