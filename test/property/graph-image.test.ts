import { testCases } from "../support/traced-cases.js";
import { imageCases } from "../support/traced-image.js";

testCases(imageCases);
