import type { UIMessageChunk } from "ai";
import {
  type ChunkFrame,
  type ClientFrame,
  parseTurnStart,
  type Resumption,
  type TurnStart,
} from "./frames.ts";
import { ChatTransportError, codeOf, disconnected, expired } from "./transport-error.ts";
import type { TurnRequest } from "./turn-request.ts";

/** A turn, by its number. */
export type TurnId = number;

/** Which turns a conversation's stream has brought, and which it is to bring. */
export interface TurnsState {
  /** The number of the newest turn. */
  readonly newest: TurnId;
  /** The turn that was asked for here, until the server has ended it. */
  readonly own: TurnId | null;
  /** What asked for it, until the stream says that it has begun. */
  readonly request: TurnRequest | null;
  /** The turn that the stream's chunks belong to now. */
  readonly current: TurnId | null;
  /** After which number of the stream that turn began. */
  readonly currentStart: number;
  /** Turns that were asked for elsewhere and have no reader yet. */
  readonly joinable: readonly TurnId[];
  /** Those of the own and the current turn whose reader wants no more of them. */
  readonly cancelled: readonly TurnId[];
  /** Whether the stream is going to bring a turn's beginning. */
  readonly expectsTurn: boolean;
  /** When this chunk has been seen and the request has not begun, it never arrived. */
  readonly askAgainAfter: number | null;
  /** Why the server refuses the request; it says so before it ends it. */
  readonly refusal: ChatTransportError | null;
}

/** What happens to the turns of a conversation. */
export type TurnsEvent =
  /** A turn is asked for here, and becomes `own`; nothing is sent yet. */
  | { readonly type: "asked" }
  /** Nothing could be sent for it. */
  | { readonly type: "unsent"; readonly turn: TurnId }
  /** The stream is followed: the request can be sent. */
  | { readonly type: "requested"; readonly turn: TurnId; readonly request: TurnRequest }
  /** The stream goes on: what became of what was asked for before the socket was lost? */
  | { readonly type: "resumed"; readonly resumption: Resumption }
  | { readonly type: "received"; readonly frame: ChunkFrame }
  /** The socket is lost, and another one is being tried. */
  | { readonly type: "lost" }
  /** None came for as long as a turn waits. */
  | { readonly type: "out-of-patience" }
  /** What was missed cannot be had any more. */
  | { readonly type: "expired" }
  /** The server does not end a turn that was cancelled. */
  | { readonly type: "not-drained" }
  | { readonly type: "closed" }
  /** The reader of a turn wants no more of it. */
  | { readonly type: "cancelled"; readonly turn: TurnId }
  /** The first of the turns that can be joined has a reader. */
  | { readonly type: "joined" };

/** What is to be done about it, in order. */
export type TurnsEffect =
  | { readonly type: "send"; readonly frame: ClientFrame }
  /** Ask the server to stop the running turn. */
  | { readonly type: "cancel" }
  /** What came after this number is to come once more. */
  | { readonly type: "rewind"; readonly position: number }
  | { readonly type: "restart" }
  | { readonly type: "push"; readonly turn: TurnId; readonly chunk: UIMessageChunk }
  | { readonly type: "fail"; readonly turn: TurnId; readonly error: ChatTransportError }
  | { readonly type: "finish"; readonly turn: TurnId }
  | { readonly type: "settle"; readonly turn: TurnId }
  /** Bytes that were pushed ahead belong to nothing any more. */
  | { readonly type: "forget-pushed" }
  /** Tell that a turn has begun that was not asked for here. */
  | { readonly type: "announce"; readonly start: TurnStart }
  | { readonly type: "tell-expired" }
  | { readonly type: "await-socket" | "stop-waiting" };

/** A state, and what is to be done as it is reached. */
export type Step = readonly [TurnsState, readonly TurnsEffect[]];

/** No turn yet. */
export const NO_TURNS: TurnsState = {
  newest: 0,
  own: null,
  request: null,
  current: null,
  currentStart: 0,
  joinable: [],
  cancelled: [],
  expectsTurn: false,
  askAgainAfter: null,
  refusal: null,
};

/** What an event makes of the turns of a conversation. Does nothing itself. */
export function step(state: TurnsState, event: TurnsEvent): Step {
  switch (event.type) {
    case "asked": {
      const own = state.newest + 1;
      return [{ ...state, newest: own, own }, []];
    }
    case "unsent":
      return settle(state, event.turn);
    case "requested": {
      const { turn, request } = event;
      // Given up while the stream was opened, its answer is no longer waited for as one's own.
      const requested = turn === state.own ? { ...state, request } : state;
      return [requested, [{ type: "send", frame: request.frame }]];
    }
    case "resumed":
      return resume(state, event.resumption);
    case "received":
      return receive(state, event.frame);
    case "lost":
      return [state, [{ type: "await-socket" }]];
    case "out-of-patience":
      return runOut(state);
    case "expired":
      return after(giveUp(state, expired()), stay({ type: "tell-expired" }));
    case "not-drained":
      return after(giveUp(state, disconnected()), stay({ type: "restart" }));
    case "closed":
      return giveUp(state, disconnected());
    case "cancelled":
      return cancel(state, event.turn);
    case "joined":
      return [{ ...state, joinable: state.joinable.slice(1) }, []];
  }
}

function resume(state: TurnsState, { seq, last, running }: Resumption): Step {
  const resumed: TurnsState = {
    ...state,
    expectsTurn: state.current === null && (running || last > seq),
    askAgainAfter: last,
  };
  const asked = after([resumed, [{ type: "stop-waiting" }]], (next) => askAgain(next, seq));
  return after(asked, (next) =>
    isCancelled(next, next.current) ? [next, [{ type: "cancel" }]] : [next, []],
  );
}

function receive(state: TurnsState, { seq, chunk }: ChunkFrame): Step {
  const start = parseTurnStart(chunk);
  let received: Step;
  if (seq === 0) {
    received = receiveAside(state, chunk);
  } else if (start === null) {
    received = pass(state, chunk);
  } else {
    received = begin({ ...state, currentStart: seq - 1, expectsTurn: false }, start);
  }
  return after(received, (next) => askAgain(next, seq));
}

function begin(state: TurnsState, start: TurnStart): Step {
  if (state.own !== null && state.request?.isFor(start) === true) {
    return [
      { ...state, request: null, current: state.own },
      isCancelled(state, state.own) ? [{ type: "cancel" }] : [],
    ];
  }
  const turn = state.newest + 1;
  return [
    { ...state, newest: turn, current: turn, joinable: [...state.joinable, turn] },
    [{ type: "announce", start }],
  ];
}

function pass(state: TurnsState, chunk: UIMessageChunk): Step {
  const turn = state.current;
  if (turn === null) {
    return [state, []];
  }
  if (chunk.type === "error") {
    return [state, [{ type: "fail", turn, error: refusalOf(chunk) }]];
  }
  const pushed: TurnsEffect = { type: "push", turn, chunk };
  if (chunk.type !== "finish" && chunk.type !== "abort") {
    return [state, [pushed]];
  }
  const ended: Step = [
    { ...state, current: null },
    [pushed, { type: "finish", turn }, { type: "forget-pushed" }],
  ];
  return after(ended, (next) => settle(next, turn));
}

/** What is for this socket alone: previews, and why a request was refused. */
function receiveAside(state: TurnsState, chunk: UIMessageChunk): Step {
  const { current, refusal, request } = state;
  if (chunk.type === "data-media") {
    return [state, current === null ? [] : [{ type: "push", turn: current, chunk }]];
  }
  if (chunk.type === "error") {
    return [{ ...state, refusal: refusalOf(chunk) }, []];
  }
  if (chunk.type === "finish" && refusal !== null) {
    const heard: TurnsState = { ...state, refusal: null };
    return request === null ? [heard, []] : endRequest(heard, refusal);
  }
  return [state, []];
}

/** Sends the request once more if all that came meanwhile is seen and its turn has not begun. */
function askAgain(state: TurnsState, seen: number): Step {
  if (state.askAgainAfter === null || seen < state.askAgainAfter) {
    return [state, []];
  }
  const asked: TurnsState = { ...state, askAgainAfter: null };
  if (asked.request === null) {
    return [asked, []];
  }
  return isCancelled(asked, asked.own)
    ? endRequest(asked, disconnected())
    : [asked, [{ type: "send", frame: asked.request.frame }]];
}

function endRequest(state: TurnsState, error: ChatTransportError): Step {
  const ended: TurnsState = { ...state, request: null };
  return state.own === null ? [ended, []] : fail(ended, state.own, error);
}

/** The socket is lost for too long. */
function runOut(state: TurnsState): Step {
  // Should the connection come back, the turn is offered anew, from its beginning.
  const rewind: readonly TurnsEffect[] =
    state.current === null ? [] : [{ type: "rewind", position: state.currentStart }];
  return after([state, rewind], (next) => giveUp(next, disconnected()));
}

function giveUp(state: TurnsState, error: ChatTransportError): Step {
  let given: Step = [state, [{ type: "stop-waiting" }]];
  for (const turn of new Set([state.own, state.current])) {
    given = turn === null ? given : after(given, (next) => fail(next, turn, error));
  }
  return after(given, (next) => [
    { ...next, request: null, current: null, cancelled: [], expectsTurn: false },
    [{ type: "forget-pushed" }],
  ]);
}

/** Tells the server to stop; no other turn is begun here until it says that it has. */
function cancel(state: TurnsState, turn: TurnId): Step {
  if (turn !== state.current && turn !== state.own) {
    return [state, []];
  }
  const cancelled = isCancelled(state, turn) ? state.cancelled : [...state.cancelled, turn];
  const isKnownThere = turn === state.current || state.request !== null;
  return [{ ...state, cancelled }, isKnownThere ? [{ type: "cancel" }] : []];
}

function fail(state: TurnsState, turn: TurnId, error: ChatTransportError): Step {
  return after([state, [{ type: "fail", turn, error }]], (next) => settle(next, turn));
}

/** Frees the conversation for the next turn. */
function settle(state: TurnsState, turn: TurnId): Step {
  return [
    {
      ...state,
      own: state.own === turn ? null : state.own,
      cancelled: state.cancelled.filter((other) => other !== turn),
    },
    [{ type: "settle", turn }],
  ];
}

function isCancelled({ cancelled }: TurnsState, turn: TurnId | null): boolean {
  return turn !== null && cancelled.includes(turn);
}

function refusalOf(chunk: { readonly errorText: string }): ChatTransportError {
  return new ChatTransportError("refused", chunk.errorText, codeOf(chunk));
}

/** One step after another, as one. */
function after([state, effects]: Step, next: (state: TurnsState) => Step): Step {
  const [reached, more] = next(state);
  return [reached, [...effects, ...more]];
}

function stay(...effects: readonly TurnsEffect[]): (state: TurnsState) => Step {
  return (state) => [state, effects];
}
