import { testCases } from "../support/traced-cases.js";
import { gatherCases } from "../support/traced-gather.js";

testCases(gatherCases);
