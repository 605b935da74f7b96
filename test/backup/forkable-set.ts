import { type Acknowledgement, AcknowledgedSet } from "../durability/acknowledged.ts";

type Intention = readonly [repository: string, tag: string, digest: string | undefined];

/** What a registry has acknowledged, of which the state of a moment can be kept. */
export class ForkableSet extends AcknowledgedSet {
  readonly #entries: (Acknowledgement | Intention)[] = [];
  readonly #forks: AcknowledgedSet[] = [];

  override add(what: Acknowledgement): void {
    this.#entries.push(what);
    super.add(what);
  }

  override intend(...intention: Intention): void {
    this.#entries.push(intention);
    for (const fork of this.#forks) fork.intend(...intention);
    super.intend(...intention);
  }

  /** Everything that was acknowledged until now. Where a tag is moved later, what it is moved to may be there as well. */
  fork(file: string): AcknowledgedSet {
    const fork = new AcknowledgedSet(file);
    for (const entry of this.#entries) {
      if ("kind" in entry) fork.add(entry);
      else fork.intend(...entry);
    }
    this.#forks.push(fork);
    return fork;
  }
}
