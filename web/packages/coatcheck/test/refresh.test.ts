import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type MediaReference, parseReference, refreshFrom, renewReference } from "coatcheck";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { lighthouse } from "./samples.ts";

const ANOTHER_ID = "11111111-1111-4111-8111-111111111111";

/** A server whose pictures answer with the status in their path, and which mints addresses. */
let server: Server;
let origin: string;
let minted: string[];

beforeAll(async () => {
  server = createServer(({ url = "" }, response) => {
    const [, kind, name] = url.split("/");
    if (kind === "media") {
      minted.push(name ?? "");
      response.end(JSON.stringify({ ...lighthouse, url: `${origin}/200/fresh` }));
      return;
    }
    response.writeHead(Number(kind)).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  minted = [];
});

const pictureThatAnswers = (status: number): MediaReference => ({
  ...lighthouse,
  url: `${origin}/${status}/old`,
});

it.each([401, 403])("mints anew after %i", async (status) => {
  const fresh = await renewReference(pictureThatAnswers(status), refreshFrom(`${origin}/media`));
  expect(fresh?.url).toBe(`${origin}/200/fresh`);
  expect(minted).toEqual([lighthouse.id]);
});

it.each([200, 404, 410, 429, 500, 503])("asks for nothing after %i", async (status) => {
  const refresh = refreshFrom(`${origin}/media`);
  expect(await renewReference(pictureThatAnswers(status), refresh)).toBeNull();
  expect(minted).toEqual([]);
});

it("asks once for pictures that fail together, and again for a later one", async () => {
  const refresh = refreshFrom(`${origin}/media`);
  const picture = pictureThatAnswers(403);
  const both = await Promise.all([
    renewReference(picture, refresh),
    renewReference(picture, refresh),
  ]);
  expect(both.every((fresh) => fresh !== null)).toBe(true);
  expect(minted).toHaveLength(1);
  await renewReference(picture, refresh);
  expect(minted).toHaveLength(2);
});

it("mints an address for a stored form, which has none", async () => {
  const { url: _, ...stored } = lighthouse;
  expect((await renewReference(stored, refreshFrom(`${origin}/media`)))?.url).toBeDefined();
});

/** Sound by itself, with an address that could be shown. */
const another = { ...lighthouse, id: ANOTHER_ID, uri: `media://${ANOTHER_ID}` };

it.each([
  ["nothing", null],
  ["a reference to another picture", another],
  ["a reference whose id and uri disagree", { ...lighthouse, id: ANOTHER_ID }],
  ["an address that runs a script", { ...lighthouse, url: "javascript:alert(1)" }],
  ["a stored form", { ...lighthouse, url: undefined }],
])("does not believe %s", async (_, answer) => {
  const refresh = vi.fn().mockResolvedValue(answer);
  expect(await renewReference(pictureThatAnswers(403), refresh)).toBeNull();
  expect(refresh).toHaveBeenCalledTimes(1);
});

it("would believe the other reference if it were asked for: only its id is another", () => {
  expect(parseReference(another)).toEqual(another);
});

it("says null when the minting fails", async () => {
  const refresh = () => Promise.reject(new Error("offline"));
  expect(await renewReference(pictureThatAnswers(401), refresh)).toBeNull();
});
