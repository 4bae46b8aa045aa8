import { createToken, findToken, listTokens, revokeToken } from "@stampede/api";
import { MemoryObjectStore } from "@stampede/testing";
import { beforeEach, describe, expect, it } from "vitest";

const clock = { now: () => 1000 };
let store: MemoryObjectStore;
beforeEach(() => {
  store = new MemoryObjectStore(clock);
});

async function stored(): Promise<string> {
  let text = "";
  for await (const { key } of store.list("")) text += key + new TextDecoder().decode((await store.get(key))?.body);
  return text;
}

describe("a token", () => {
  it("is known again by its text, and by nothing that is stored", async () => {
    const { token, record } = await createToken({ name: "laptop", scope: "submit" }, store, clock);
    expect(token).toMatch(/^stampede_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    expect(await findToken(token, store, 2000)).toEqual(record);
    const secret = token.slice(-43);
    expect(await stored()).toContain(record.sha256);
    expect(await stored()).not.toContain(secret);
  });

  it("is not known by another secret, another id, or text of another form", async () => {
    const { token } = await createToken({ name: "a", scope: "read" }, store, clock);
    const other = await createToken({ name: "b", scope: "admin" }, store, clock);
    const mixed = token.slice(0, -43) + other.token.slice(-43);
    const unknown = token.replace(/_[0-9a-f]{16}_/, "_0000000000000000_");
    for (const text of [mixed, unknown, "", token.slice(0, -1), `${token}A`, "stampede_../../x_y", ` ${token}`]) {
      expect(await findToken(text, store, 2000)).toBeUndefined();
    }
  });

  it("is good until it expires, and no longer", async () => {
    const { token } = await createToken({ name: "a", scope: "read", expiresAt: 5000 }, store, clock);
    expect(await findToken(token, store, 4999)).toBeDefined();
    expect(await findToken(token, store, 5000)).toBeUndefined();
  });

  it("is worthless from its revocation on", async () => {
    const { token, record } = await createToken({ name: "a", scope: "read" }, store, clock);
    await revokeToken(record.id, store);
    expect(await findToken(token, store, 2000)).toBeUndefined();
    expect(await listTokens(store)).toEqual([]);
    await expect(revokeToken(record.id, store)).rejects.toMatchObject({ code: "option.invalid" });
    await expect(revokeToken("../../jobs/a", store)).rejects.toMatchObject({ code: "option.invalid" });
  });

  it("wants a name", async () => {
    await expect(createToken({ name: "", scope: "read" }, store, clock)).rejects.toMatchObject({
      code: "option.invalid",
    });
    expect(await stored()).toBe("");
  });
});
