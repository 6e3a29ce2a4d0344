import { webcrypto } from "node:crypto";
import { expect, it } from "vitest";
import { newId } from "../src/chat/identifiers.ts";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;

it("makes a UUIDv4, in an insecure context too", () => {
  expect(newId()).toMatch(UUID_V4);
  const insecure = { getRandomValues: webcrypto.getRandomValues.bind(webcrypto) };
  expect(newId(insecure as Crypto)).toMatch(UUID_V4);
});
