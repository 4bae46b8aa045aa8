export { buildApi, type Api } from "./app/app.js";
export { defaultLimits, type AccessEntry, type ApiDeps, type ApiLimits, type Transfer } from "./app/deps.js";
export {
  createToken,
  findToken,
  listTokens,
  revokeToken,
  TokenRecord,
  type NewToken,
  type TokenWish,
} from "./tokens/index.js";
