import { testCases } from "../support/traced-cases.js";
import { poolingCases } from "../support/traced-pooling.js";

testCases(poolingCases);
