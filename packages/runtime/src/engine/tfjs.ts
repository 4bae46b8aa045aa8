import { loadCore, loadLayers } from "@stampede/graph/tfjs";

/** For the modules that only `createEngine` and its like load. */
export const tf = loadCore();
export const tfl = loadLayers();
