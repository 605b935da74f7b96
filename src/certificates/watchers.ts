/** Those who are called when something has changed; one who watches twice is called twice. */
export class Watchers {
  readonly #calls = new Set<() => void>();

  /** Answers how to stop. */
  add(onChange: () => void): () => void {
    // A function of its own for each, so that a set keeps both of two that are the same.
    const call = (): void => onChange();
    this.#calls.add(call);
    return () => void this.#calls.delete(call);
  }

  call(): void {
    for (const each of this.#calls) each();
  }
}
