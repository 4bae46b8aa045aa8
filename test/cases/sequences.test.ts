import { groups } from "./all-cases.js";
import { testCases } from "./test-cases.js";

testCases(groups.sequences);
