import { engineContract } from "@stampede/testing";
import { compiledHarness } from "../support/compiled-engine.js";

engineContract("compiled", () => compiledHarness());
