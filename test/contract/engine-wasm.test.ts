import { engineContract } from "@stampede/testing";
import { tfjsHarness } from "../support/tfjs-engine.js";

engineContract("tfjs-wasm", () => tfjsHarness("tfjs-wasm"));
