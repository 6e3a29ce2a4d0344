import "./worker-globals.ts";
import { beforeEach, expect, it, vi } from "vitest";
import { Ledger } from "../src/worker/ledger.ts";

let ledger: Ledger;

const entry = (url: string, used = 1, size = 10) => ({ url, size, used });

beforeEach(async () => {
  ledger = new Ledger();
  await ledger.clear();
});

it("has what was recorded, one entry a URL", async () => {
  await ledger.record(entry("a"));
  await ledger.record(entry("b"));
  await ledger.record(entry("a", 2, 20));
  expect(await ledger.entries()).toEqual([entry("a", 2, 20), entry("b")]);
});

it("notes the use of what it has, and of nothing else", async () => {
  await ledger.record(entry("a"));
  await ledger.touch("a", 7);
  await ledger.touch("b", 7);
  expect(await ledger.entries()).toEqual([entry("a", 7)]);
});

it("forgets some, or all", async () => {
  await Promise.all(["a", "b", "c"].map((url) => ledger.record(entry(url))));
  await ledger.remove(["a", "c", "unknown"]);
  expect(await ledger.entries()).toEqual([entry("b")]);
  await ledger.clear();
  expect(await ledger.entries()).toEqual([]);
});

it("is the same for the next worker", async () => {
  await ledger.record(entry("a"));
  expect(await new Ledger().entries()).toEqual([entry("a")]);
});

it("tries again after the database could not be opened", async () => {
  const fresh = new Ledger();
  const failing = { error: new DOMException("full", "QuotaExceededError") };
  const request = Object.assign(new EventTarget(), failing) as unknown as IDBOpenDBRequest;
  vi.spyOn(indexedDB, "open").mockImplementationOnce(() => {
    queueMicrotask(() => request.dispatchEvent(new Event("error")));
    return request;
  });
  await expect(fresh.record(entry("a"))).rejects.toThrow("full");
  await fresh.record(entry("a"));
  expect(await fresh.entries()).toEqual([entry("a")]);
});
