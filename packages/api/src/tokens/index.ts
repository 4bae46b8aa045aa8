/** Whoever makes tokens serves nothing: an entry of its own, without the server. */
export { TokenRecord } from "./record.js";
export { createToken, findToken, listTokens, revokeToken, type NewToken, type TokenWish } from "./tokens.js";
