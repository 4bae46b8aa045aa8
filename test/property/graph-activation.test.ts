import { testCases } from "../support/traced-cases.js";
import { activationCases } from "../support/traced-activation.js";

testCases(activationCases);
