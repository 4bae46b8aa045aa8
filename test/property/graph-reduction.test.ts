import { testCases } from "../support/traced-cases.js";
import { reductionCases } from "../support/traced-reduction.js";

testCases(reductionCases);
