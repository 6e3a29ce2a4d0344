// @vitest-environment node
import { expect, test } from "vitest";
import { cacheMedia, registerMediaWorker } from "../src/worker/server.ts";

test("what a server gets has the names of what a browser gets, and says where it belongs", () => {
  expect(() => cacheMedia()).toThrow("service worker");
  expect(registerMediaWorker).toBeTypeOf("function");
});
