// @vitest-environment happy-dom
import { PictureController, type RefreshReference } from "coatcheck";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  FIRST_STATE,
  nextPictureState,
  type PictureEvent,
  type PictureState,
} from "../src/core/picture-controller.ts";
import { lighthouse } from "./samples.ts";

const attempt = fc.nat({ max: 4 });
const event: fc.Arbitrary<PictureEvent> = fc.oneof(
  fc.record({
    type: fc.constantFrom("thumbnail-decoded", "full-decoded", "renewing", "failed"),
    attempt,
  }),
  fc.record({
    type: fc.constant("renewed" as const),
    attempt,
    reference: fc.constant(lighthouse),
  }),
  fc.constant({ type: "retried" as const }),
);
const RANK = { placeholder: 0, thumbnail: 1, full: 2, failed: 3 };

/** Checks each step of a life of any events. */
function always(check: (before: PictureState, event: PictureEvent, after: PictureState) => void) {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      let state = FIRST_STATE;
      for (const next of events) {
        const after = nextPictureState(state, next);
        check(state, next, after);
        state = after;
      }
    }),
  );
}

describe("a picture's life, whatever happens", () => {
  it("goes forward only, until another try begins it anew", () => {
    always((before, _, after) => {
      if (after.attempt === before.attempt) {
        expect(RANK[after.phase]).toBeGreaterThanOrEqual(RANK[before.phase]);
      } else {
        expect(after.attempt).toBe(before.attempt + 1);
        expect(after.phase).toBe("placeholder");
      }
    });
  });

  it("hears of no attempt but the one that is under way", () => {
    always((before, happened, after) => {
      if (happened.type !== "retried" && happened.attempt !== before.attempt) {
        expect(after).toBe(before);
      }
    });
  });

  it("renews its addresses once between two tries of the reader", () => {
    let renewals = 0;
    always((before, happened, after) => {
      renewals = before === FIRST_STATE || happened.type === "retried" ? 0 : renewals;
      renewals += before.renewal === "possible" && after.renewal === "pending" ? 1 : 0;
      expect(renewals).toBeLessThanOrEqual(1);
      if (happened.type === "renewed" && after !== before) {
        expect([before.renewal, after.renewal]).toEqual(["pending", "spent"]);
      }
    });
  });
});

describe("PictureController", () => {
  const image = () => document.createElement("img");
  const nothing = { reference: null, refresh: null };
  const settled = () => new Promise((resolve) => setTimeout(resolve));

  beforeEach(() => {
    vi.spyOn(HTMLImageElement.prototype, "decode").mockResolvedValue(undefined);
    vi.spyOn(globalThis, "fetch").mockImplementation(
      async () => new Response(null, { status: 403 }),
    );
  });
  afterEach(() => vi.restoreAllMocks());

  it("tells of each change and of nothing else", async () => {
    const picture = new PictureController();
    const phases: string[] = [];
    const stop = picture.subscribe(() => phases.push(picture.state.phase));
    picture.loaded(0, "full", image());
    await settled();
    picture.loaded(0, "thumbnail", image());
    await settled();
    expect(phases).toEqual(["full"]);
    stop();
    picture.failed(0, nothing);
    expect(phases).toEqual(["full"]);
  });

  it("takes an image of an earlier try for nothing, however late it is decoded", async () => {
    const picture = new PictureController();
    picture.loaded(0, "full", image());
    picture.retry();
    picture.failed(0, nothing);
    await settled();
    expect(picture.state).toMatchObject({ phase: "placeholder", attempt: 1 });
  });

  it("asks for fresh addresses once, however often its images fail meanwhile", async () => {
    const picture = new PictureController();
    const refresh = vi.fn<RefreshReference>().mockResolvedValue({ ...lighthouse, url: "/fresh" });
    picture.failed(0, { reference: lighthouse, refresh });
    picture.failed(0, { reference: lighthouse, refresh });
    await vi.waitFor(() => expect(picture.state.renewed?.url).toBe("/fresh"));
    expect(refresh).toHaveBeenCalledTimes(1);
    picture.failed(1, { reference: lighthouse, refresh });
    expect(picture.state.phase).toBe("failed");
  });

  it("tries again when the network is back, as long as someone sees that it failed", () => {
    const picture = new PictureController();
    const online = () => globalThis.dispatchEvent(new Event("online"));
    const stop = picture.subscribe(() => undefined);
    online();
    expect(picture.state.attempt).toBe(0);
    picture.failed(0, nothing);
    online();
    expect(picture.state).toMatchObject({ phase: "placeholder", attempt: 1 });
    picture.failed(1, nothing);
    stop();
    online();
    expect(picture.state).toMatchObject({ phase: "failed", attempt: 1 });
  });
});
