import { testCases } from "../support/traced-cases.js";
import { matrixCases } from "../support/traced-matrix.js";

testCases(matrixCases);
