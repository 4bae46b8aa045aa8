import { testCases } from "../support/traced-cases.js";
import { creationCases } from "../support/traced-creation.js";

testCases(creationCases);
