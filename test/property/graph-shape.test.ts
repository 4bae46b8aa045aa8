import { testCases } from "../support/traced-cases.js";
import { shapeCases } from "../support/traced-shape.js";

testCases(shapeCases);
