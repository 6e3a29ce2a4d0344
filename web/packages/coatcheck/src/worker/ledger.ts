import type { Entry } from "./policy.ts";

/** Sizes and last uses of what is kept: the Cache API remembers neither. In IndexedDB. */
export class Ledger {
  #opened: Promise<IDBDatabase> | null = null;

  /** Adds an entry, or overwrites the one with its URL. */
  async record(entry: Entry): Promise<void> {
    await this.#write((store) => store.put(entry));
  }

  /** Notes that an entry was used; does nothing for a URL that has none. */
  async touch(url: string, used: number): Promise<void> {
    await this.#write((store) => {
      const reading: IDBRequest<Entry | undefined> = store.get(url);
      reading.addEventListener("success", () => {
        if (reading.result !== undefined) {
          store.put({ ...reading.result, used });
        }
      });
    });
  }

  async entries(): Promise<readonly Entry[]> {
    const database = await this.#open();
    const reading: IDBRequest<Entry[]> = database
      .transaction(STORE, "readonly")
      .objectStore(STORE)
      .getAll();
    return await new Promise((resolve, reject) => {
      reading.addEventListener("success", () => resolve(reading.result));
      reading.addEventListener("error", () => reject(reading.error));
    });
  }

  async remove(urls: readonly string[]): Promise<void> {
    await this.#write((store) => {
      for (const url of urls) {
        store.delete(url);
      }
    });
  }

  async clear(): Promise<void> {
    await this.#write((store) => store.clear());
  }

  async #write(change: (store: IDBObjectStore) => void): Promise<void> {
    const database = await this.#open();
    const transaction = database.transaction(STORE, "readwrite");
    const done = new Promise<void>((resolve, reject) => {
      transaction.addEventListener("complete", () => resolve());
      transaction.addEventListener("abort", () => reject(transaction.error));
    });
    change(transaction.objectStore(STORE));
    await done;
  }

  #open(): Promise<IDBDatabase> {
    this.#opened ??= openDatabase().catch((error: unknown) => {
      // The next call tries again: a full disk may have room by then.
      this.#opened = null;
      throw error;
    });
    return this.#opened;
  }
}

const STORE = "entries";

function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open("coatcheck-media", 1);
  return new Promise((resolve, reject) => {
    opening.addEventListener("upgradeneeded", () =>
      opening.result.createObjectStore(STORE, { keyPath: "url" }),
    );
    opening.addEventListener("success", () => resolve(opening.result));
    opening.addEventListener("error", () => reject(opening.error));
  });
}
