import { arithmeticCases } from "../support/traced-arithmetic.js";
import { testCases } from "../support/traced-cases.js";

testCases(arithmeticCases);
