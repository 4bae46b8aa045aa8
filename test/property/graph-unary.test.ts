import { testCases } from "../support/traced-cases.js";
import { unaryCases } from "../support/traced-unary.js";

testCases(unaryCases);
