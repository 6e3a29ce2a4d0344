/** A JSON value that was read, and where it ended. */
export interface JsonAt {
  readonly value: unknown;
  /** The first character after it. */
  readonly end: number;
}

/**
 * Reads one JSON value that begins at `start` of a text in which its strings may be megabytes long.
 *
 * `JSON.parse` looks at each character and copies each string. This looks for the quote that ends a
 * string with `indexOf`, and takes the string as a slice, which the engine makes without a copy: a text
 * with 4 MB of base64 costs well under a millisecond. The text may go on after the value.
 *
 * @returns null where there is no complete JSON value, or one that is deeper than 64 levels or has more
 * than 20,000 values. Never throws.
 */
export function readJsonAt(text: string, start: number): JsonAt | null {
  try {
    const reader = new LazyJsonReader(text, start);
    return { value: reader.readValue(0), end: reader.position };
  } catch {
    return null;
  }
}

const MAX_DEPTH = 64;
const MAX_VALUES = 20_000;

const WHITE_SPACE = /[ \t\n\r]*/uy;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows none in a string
const CONTROL_CHARACTER = /[\x00-\x1f]/u;

/** Characters. Longer strings are media, not prose: nothing looks at each of their characters. */
const LONG = 65_536;

class LazyJsonReader {
  position: number;
  readonly #text: string;
  #values = 0;
  /** The first backslash from where the reader was when it last looked. Kept, or each string would look anew. */
  #backslash = -1;

  constructor(text: string, start: number) {
    this.#text = text;
    this.position = start;
  }

  readValue(depth: number): unknown {
    this.#values += 1;
    if (depth > MAX_DEPTH || this.#values > MAX_VALUES) {
      throw new SyntaxError("This JSON is too deep or has too many values.");
    }
    switch (this.#peek()) {
      case "{":
        return this.#readObject(depth);
      case "[":
        return this.#readArray(depth);
      case '"':
        return this.#readString();
      default:
        return JSON.parse(this.#match(SCALAR));
    }
  }

  #readObject(depth: number): Readonly<Record<string, unknown>> {
    const members: [string, unknown][] = [];
    this.#readItems("}", () => {
      if (this.#peek() !== '"') {
        throw new SyntaxError("A member has no name.");
      }
      const name = this.#readString();
      this.#take(":");
      members.push([name, this.readValue(depth + 1)]);
    });
    // Defines members, so that one named `__proto__` is a member as any other.
    return Object.fromEntries(members);
  }

  #readArray(depth: number): readonly unknown[] {
    const items: unknown[] = [];
    this.#readItems("]", () => items.push(this.readValue(depth + 1)));
    return items;
  }

  #readItems(close: string, readItem: () => void): void {
    this.position += 1;
    if (this.#peek() === close) {
      this.position += 1;
      return;
    }
    for (;;) {
      readItem();
      if (this.#peek() === close) {
        this.position += 1;
        return;
      }
      this.#take(",");
    }
  }

  #readString(): string {
    const start = this.position + 1;
    const end = this.#stringEnd(start);
    this.position = end + 1;
    if (this.#nextBackslash(start) < end) {
      return JSON.parse(this.#text.slice(start - 1, end + 1));
    }
    const string = this.#text.slice(start, end);
    if (string.length <= LONG && CONTROL_CHARACTER.test(string)) {
      throw new SyntaxError("A string holds a control character.");
    }
    return string;
  }

  /** The quote that no odd number of backslashes escapes. */
  #stringEnd(start: number): number {
    for (let end = start; ; end += 1) {
      end = this.#text.indexOf('"', end);
      if (end < 0) {
        throw new SyntaxError("A string does not end.");
      }
      let backslashes = 0;
      while (end - backslashes > start && this.#text[end - backslashes - 1] === "\\") {
        backslashes += 1;
      }
      if (backslashes % 2 === 0) {
        return end;
      }
    }
  }

  #nextBackslash(from: number): number {
    if (this.#backslash < from) {
      const found = this.#text.indexOf("\\", from);
      this.#backslash = found < 0 ? Number.POSITIVE_INFINITY : found;
    }
    return this.#backslash;
  }

  #peek(): string | undefined {
    WHITE_SPACE.lastIndex = this.position;
    WHITE_SPACE.test(this.#text);
    this.position = WHITE_SPACE.lastIndex;
    return this.#text[this.position];
  }

  #take(character: string): void {
    if (this.#peek() !== character) {
      throw new SyntaxError(`Expected ${character}`);
    }
    this.position += 1;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.position;
    const matched = pattern.exec(this.#text)?.[0];
    if (matched === undefined) {
      throw new SyntaxError("Expected a value.");
    }
    this.position += matched.length;
    return matched;
  }
}
