export { scopes, type Given, type Operation, type Scope } from "./operation.js";
export { operations, type OperationName } from "./operations.js";
export { openApiDocument } from "./openapi.js";
export {
  InferJob,
  JobAccepted,
  JobList,
  JobOutcome,
  Problem,
  SubmitJob,
  Upload,
  UploadDone,
  type SubmitJobInput,
} from "./schemas.js";
