/**
 * The shortest round trip that was seen, in milliseconds.
 *
 * Each sample is the time from a frame to its answer, what the server does and what the page is busy with
 * included: the shortest comes nearest to what the network takes.
 */
export class RoundTrip {
  #shortest: number | undefined;
  #since: number | null = null;

  /** What to say of it in a frame; nothing while it is not known. */
  get told(): { readonly roundTrip?: number } {
    return this.#shortest === undefined ? {} : { roundTrip: this.#shortest };
  }

  /** A frame is sent that will be answered. */
  begin(): void {
    this.#since = performance.now();
  }

  /** The answer has come; without a frame before it, nothing is measured. */
  end(): void {
    if (this.#since !== null) {
      const taken = Math.round(performance.now() - this.#since);
      this.#shortest = Math.min(taken, this.#shortest ?? taken);
      this.#since = null;
    }
  }
}
