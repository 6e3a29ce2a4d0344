import type { UIMessageChunk } from "ai";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestFor } from "../src/ai/turn-request.ts";
import {
  NO_TURNS,
  type Step,
  step,
  type TurnId,
  type TurnsEffect,
  type TurnsEvent,
  type TurnsState,
} from "../src/ai/turns.ts";

const message = (id: string) => ({ id, role: "user" as const, parts: [] });
const request = (id: string) => requestFor("submit-message", "c", [message(id)]);
const start = (messageId: string): UIMessageChunk => ({
  type: "data-turn",
  data: { trigger: "submit-message", messageId, message: null, edited: false },
});

/** What may happen next; `null` where it cannot, such as a second message before the first has ended. */
type Happening = (life: Life) => TurnsEvent | null;

/** A conversation as the transport lives it: frames are numbered, and a turn is asked for when none is. */
class Life {
  state: TurnsState = NO_TURNS;
  seq = 0;
  /** Turns that were asked for and whose stream is being opened. */
  readonly opening: TurnId[] = [];
  readonly check: (before: TurnsState, event: TurnsEvent, after: Step) => void;

  constructor(check: Life["check"]) {
    this.check = check;
  }

  happen(event: TurnsEvent): readonly TurnsEffect[] {
    const before = this.state;
    const after = step(before, event);
    [this.state] = after;
    if (event.type === "asked") {
      this.opening.push(this.state.newest);
    }
    this.check(before, event, after);
    return after[1];
  }
}

const NAMES = ["a", "b"] as const;
const chunk =
  (data: UIMessageChunk): Happening =>
  (life) => {
    life.seq += 1;
    return { type: "received", frame: { seq: life.seq, chunk: data } };
  };
const aside =
  (data: UIMessageChunk): Happening =>
  () => ({ type: "received", frame: { seq: 0, chunk: data } });
const error: UIMessageChunk = { type: "error", errorText: "Busy." };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.constant<Happening>(({ state }) => (state.own === null ? { type: "asked" } : null)),
  fc.constantFrom(...NAMES).map(
    (name): Happening =>
      ({ opening }) => {
        const turn = opening.shift();
        return turn === undefined ? null : { type: "requested", turn, request: request(name) };
      },
  ),
  fc.constant<Happening>(({ opening }) => {
    const turn = opening.shift();
    return turn === undefined ? null : { type: "unsent", turn };
  }),
  fc.record({ missed: fc.nat({ max: 3 }), running: fc.boolean() }).map(
    ({ missed, running }): Happening =>
      ({ seq }) => ({ type: "resumed", resumption: { seq, last: seq + missed, running } }),
  ),
  fc.constantFrom(...NAMES).map((name) => chunk(start(name))),
  fc
    .constantFrom<UIMessageChunk>(
      { type: "text-delta", id: "t", delta: "x" },
      { type: "finish" },
      { type: "abort" },
      error,
    )
    .map(chunk),
  fc.constantFrom<UIMessageChunk>(error, { type: "finish" }).map(aside),
  fc
    .constantFrom<TurnsEvent["type"]>("lost", "out-of-patience", "expired", "not-drained", "closed")
    .map(
      (type): Happening =>
        () =>
          ({ type }) as TurnsEvent,
    ),
  fc.nat({ max: 3 }).map(
    (back): Happening =>
      ({ state }) => ({
        type: "cancelled",
        turn: state.newest - back,
      }),
  ),
  fc.constant<Happening>(({ state }) => (state.joinable.length > 0 ? { type: "joined" } : null)),
);

/** Checks each step of any life; `fresh` makes what one life's checks remember. */
function always(fresh: () => Life["check"]): void {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
      const life = new Life(fresh());
      for (const next of happenings) {
        const event = next(life);
        if (event !== null) {
          life.happen(event);
        }
      }
    }),
    { numRuns: 500 },
  );
}

const turnsOf = (effects: readonly TurnsEffect[], type: TurnsEffect["type"]) =>
  effects.flatMap((effect) => (effect.type === type && "turn" in effect ? [effect.turn] : []));

describe("the turns of a conversation, whatever happens", () => {
  it("change no state that was there before", () => {
    always(() => (before, event) => {
      const copy = structuredClone({ ...before, request: null, refusal: null });
      expect(step(before, event)).toEqual(step(before, event));
      expect({ ...before, request: null, refusal: null }).toEqual(copy);
    });
  });

  it("give each chunk to the turn that is under way, and to no other", () => {
    always(() => (before, event, [, effects]) => {
      const pushed = turnsOf(effects, "push");
      const isContent =
        event.type === "received" &&
        event.frame.seq > 0 &&
        event.frame.chunk.type !== "data-turn" &&
        event.frame.chunk.type !== "error";
      expect(pushed).toEqual(isContent && before.current !== null ? [before.current] : []);
    });
  });

  it("tell a turn nothing more once it is settled", () => {
    always(() => {
      const settled = new Set<TurnId>();
      return (_, __, [, effects]) => {
        for (const effect of effects) {
          if (effect.type === "settle") {
            settled.add(effect.turn);
          } else if ("turn" in effect) {
            expect(settled).not.toContain(effect.turn);
          }
        }
      };
    });
  });

  it("have a request only for a turn that is waited for and has not begun", () => {
    always(() => (_, __, [{ request: asked, own, current }]) => {
      if (asked !== null) {
        expect(own).not.toBeNull();
        expect(current).not.toBe(own);
      }
    });
  });

  it("give their own turn none but the answer to their own message", () => {
    always(() => (before, event, [after]) => {
      if (after.current === after.own && after.own !== null && before.current !== after.own) {
        const { chunk: began } = (event as Extract<TurnsEvent, { type: "received" }>).frame;
        const { data } = began as { data: { messageId: string } };
        expect(before.request?.frame).toMatchObject({ message: { id: data.messageId } });
      }
    });
  });

  it("send a request again once for each new socket at most", () => {
    always(() => {
      let isAllowed = false;
      return (_, event, [, effects]) => {
        isAllowed ||= event.type === "resumed";
        const sent = effects.filter(({ type }) => type === "send").length;
        if (event.type === "requested") {
          expect(sent).toBe(1);
        } else {
          expect(sent).toBeLessThanOrEqual(Number(isAllowed));
          isAllowed &&= sent === 0;
        }
      };
    });
  });

  it("end every turn that is waited for when they are given up", () => {
    const ends = new Set(["out-of-patience", "expired", "not-drained", "closed"]);
    always(() => (before, { type }, [after, effects]) => {
      if (ends.has(type)) {
        const waited = [...new Set([before.own, before.current])].filter((turn) => turn !== null);
        expect(turnsOf(effects, "fail")).toEqual(waited);
        expect(turnsOf(effects, "settle")).toEqual(waited);
        expect([after.own, after.current, after.request, after.expectsTurn]).toEqual([
          null,
          null,
          null,
          false,
        ]);
      }
    });
  });

  it("offer each turn of others once, in the order in which they came", () => {
    always(() => {
      const offered: TurnId[] = [];
      return (before, event, [after, effects]) => {
        const announced = effects.filter(({ type }) => type === "announce").length;
        expect(announced).toBe(Math.max(0, after.joinable.length - before.joinable.length));
        if (event.type === "joined") {
          const [turn = 0] = before.joinable;
          expect(turn).toBeGreaterThan(offered.at(-1) ?? 0);
          offered.push(turn);
        }
      };
    });
  });

  it("let another message be sent once the server has ended the turn", () => {
    always(() => (before, event, [after]) => {
      const ended =
        event.type === "received" && event.frame.seq > 0 && event.frame.chunk.type === "finish";
      if (ended && before.own !== null && before.current === before.own) {
        expect([after.own, after.current]).toEqual([null, null]);
      }
    });
  });

  it("ask the server to stop only what it may know of", () => {
    always(() => (before, event, [, effects]) => {
      if (event.type === "cancelled" && effects.some(({ type }) => type === "cancel")) {
        const isAsked = event.turn === before.own && before.request !== null;
        expect(event.turn === before.current || isAsked).toBe(true);
      }
    });
  });
});

it("does not take the answer to a message that was given up for that to the next one", () => {
  const life = new Life(() => undefined);
  life.happen({ type: "asked" });
  life.happen({ type: "expired" });
  life.happen({ type: "asked" });
  const [first = 0, second = 0] = life.opening;
  // It goes out all the same, as the stream is open; its answer is another's.
  const sent = life.happen({ type: "requested", turn: first, request: request("a") });
  expect(sent).toMatchObject([{ type: "send" }]);
  life.happen({ type: "received", frame: { seq: 1, chunk: start("a") } });
  expect(life.state.current).not.toBe(second);
  expect(life.state.joinable).toEqual([life.state.current]);
});

it("sends a lost request again with the first frame that proves it lost, not with each", () => {
  const life = new Life(() => undefined);
  life.happen({ type: "asked" });
  const [turn = 0] = life.opening;
  life.happen({ type: "requested", turn, request: request("a") });
  life.happen({ type: "resumed", resumption: { seq: 0, last: 1, running: false } });
  const sent = [1, 2, 3].map((seq) => {
    const text: UIMessageChunk = { type: "text-delta", id: "t", delta: "of another" };
    return life.happen({ type: "received", frame: { seq, chunk: text } });
  });
  const sends = sent.map((effects) => effects.filter(({ type }) => type === "send").length);
  expect(sends).toEqual([1, 0, 0]);
});
