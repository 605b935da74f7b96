import { runHook } from "../../process/hook.ts";
import type { Challenge } from "./acme-messages.ts";
import type { ChallengeProver } from "./acme-order.ts";

/** Name servers take minutes until all of them have a record. */
const timeoutMs = 15 * 60_000;

/**
 * `dns-01` (RFC 8555 section 8.4) by a program of the operator's: `HOOK set RECORD VALUE` makes a TXT record and ends when it can be
 * seen, `HOOK remove RECORD VALUE` takes it away again. The same stands in its environment.
 */
export class DnsHook implements ChallengeProver {
  readonly type = "dns-01";
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
  }

  putUp(challenge: Challenge, signal: AbortSignal): Promise<void> {
    return this.#run("set", challenge, signal);
  }

  takeDown(challenge: Challenge, signal: AbortSignal): Promise<void> {
    return this.#run("remove", challenge, signal);
  }

  async #run(action: "set" | "remove", { name, value }: Challenge, signal: AbortSignal): Promise<void> {
    const record = `_acme-challenge.${name}`;
    const environment = {
      DOZO_ACME_ACTION: action,
      DOZO_ACME_NAME: name,
      DOZO_ACME_RECORD: record,
      DOZO_ACME_VALUE: value,
    };
    await runHook({ program: this.#program, arguments: [action, record, value], environment, timeoutMs, signal });
  }
}
