import { credentials } from "../../../infra/emulated/deploy.js";

/** Emulators take any credentials, but the SDK asks for some. */
export function useTestCredentials(): void {
  process.env["AWS_ACCESS_KEY_ID"] = credentials.accessKeyId;
  process.env["AWS_SECRET_ACCESS_KEY"] = credentials.secretAccessKey;
}
