import type { UploadRequest } from "coatcheck";

type Progress = (event: { readonly loaded: number; readonly total: number }) => void;

/** A request whose server is the test. */
export class FakeRequest implements UploadRequest {
  static all: FakeRequest[] = [];
  static get last(): FakeRequest {
    const request = FakeRequest.all.at(-1);
    if (request === undefined) {
      throw new Error("nothing was sent");
    }
    return request;
  }

  status = 0;
  responseText = "";
  url = "";
  sent: Blob | null = null;
  aborted = false;
  readonly #progress: Progress[] = [];
  readonly #listeners = new Map<string, (() => void)[]>();
  readonly upload = {
    addEventListener: (_type: "progress", listener: Progress) => {
      this.#progress.push(listener);
    },
  };

  constructor() {
    FakeRequest.all.push(this);
  }

  open(method: string, url: string): void {
    this.url = `${method} ${url}`;
  }

  send(body: Blob): void {
    this.sent = body;
  }

  abort(): void {
    this.aborted = true;
    this.#emit("abort");
  }

  addEventListener(type: string, listener: () => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  /** Bytes leave. */
  progress(loaded: number, total: number): void {
    for (const listener of this.#progress) {
      listener({ loaded, total });
    }
  }

  /** The server answers. */
  answer(status: number, body: unknown): void {
    this.status = status;
    this.responseText = typeof body === "string" ? body : JSON.stringify(body);
    this.#emit("load");
  }

  /** The connection is lost. */
  lose(): void {
    this.#emit("error");
  }

  #emit(type: string): void {
    for (const listener of this.#listeners.get(type) ?? []) {
      listener();
    }
  }
}
