import type { Clock } from "../core/clock.ts";
import type { Log } from "../log.ts";
import type { Answer } from "../http/answer.ts";

/** What becomes known of a request while it is worked on. */
export interface Exchange {
  readonly requestId: string;
  readonly startedAt: number;
  readonly method: string;
  readonly client: string | undefined;
  /** The id of the row of the route table. */
  route?: string;
  repository?: string;
  principal?: string;
  /** The process's own request (the self-test): of no interest to the operator. */
  isOwn?: boolean;
  /** Why it was refused; of a login more than the client is told. */
  reason?: string;
}

/**
 * One line a request, when its answer is ready (its body may still be on the way). The path is not in it: what is
 * interesting of it has been parsed by then, and what could not be parsed is not worth keeping.
 */
export function logExchange(log: Log, clock: Clock, exchange: Exchange, answer: Answer): void {
  const { startedAt, isOwn, ...known } = exchange;
  const bytes = answer.body?.lengthBytes ?? 0;
  const fields = { ...known, status: answer.status, bytes, durationMs: clock.now() - startedAt };
  if (isOwn === true) log.debug("request", fields);
  else log.info("request", fields);
}
