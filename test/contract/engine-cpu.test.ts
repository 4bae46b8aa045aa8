import { engineContract } from "@stampede/testing";
import { tfjsHarness } from "../support/tfjs-engine.js";

engineContract("tfjs-cpu", () => tfjsHarness("tfjs-cpu"));
