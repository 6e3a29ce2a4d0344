// @vitest-environment node
import { expect, test } from "vitest";
import * as onServers from "../src/worker/server.ts";

test("what a server gets has the names of what a browser gets, and says where it belongs", () => {
  expect(new Set(Object.keys(onServers))).toEqual(new Set(["cacheMedia", "registerMediaWorker"]));
  expect(() => onServers.cacheMedia()).toThrow("service worker");
});
