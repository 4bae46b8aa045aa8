export { buildApi, type Api } from "./app/app.js";
export { defaultLimits, type AccessEntry, type ApiDeps, type ApiLimits, type Transfer } from "./app/deps.js";
export { TokenRecord } from "./tokens/record.js";
export { createToken, findToken, listTokens, revokeToken, type NewToken, type TokenWish } from "./tokens/tokens.js";
