import { testCases } from "../support/traced-cases.js";
import { convolutionCases } from "../support/traced-convolution.js";

testCases(convolutionCases);
