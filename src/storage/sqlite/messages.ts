import { type ErrorCode, RegistryError } from "../../core/error.ts";

/** One operation that a thread is asked for. */
export interface Call {
  readonly id: number;
  readonly operation: string;
  readonly args: readonly unknown[];
}

/** How it ended: with a value, with a refusal that the client is meant to read, or with a fault of the registry. */
export type Outcome =
  | { readonly id: number; readonly kind: "answer"; readonly value: unknown }
  | { readonly id: number; readonly kind: "refusal"; readonly refusal: Refusal }
  | { readonly id: number; readonly kind: "fault"; readonly message: string };

/** A `RegistryError` as it crosses threads, which class and methods do not. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: unknown;
  readonly retryAfterSeconds: number | undefined;
  /** For the operator's log. */
  readonly cause: string | undefined;
}

/** What the serving side sends. Calls of one turn of its event loop travel together. */
export type ToThread =
  | { readonly kind: "open"; readonly file: string }
  | { readonly kind: "calls"; readonly calls: readonly Call[] }
  | { readonly kind: "close" };

/** What a thread answers. */
export type FromThread =
  | { readonly kind: "opened" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "outcomes"; readonly outcomes: readonly Outcome[] }
  /** The thread has done its last work: nothing can be trusted to it any more. */
  | { readonly kind: "broken"; readonly reason: string }
  | { readonly kind: "closed" };

export function toRefusal(error: RegistryError): Refusal {
  const { code, message, detail, retryAfterSeconds, cause } = error;
  return { code, message, detail, retryAfterSeconds, cause: cause instanceof Error ? cause.message : undefined };
}

export function fromRefusal(refusal: Refusal): RegistryError {
  const { code, message, detail, retryAfterSeconds, cause } = refusal;
  return new RegistryError(code, message, {
    detail,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(cause === undefined ? {} : { cause: new Error(cause) }),
  });
}

/** The database cannot do it now; `cause` is for the operator. */
export function unavailable(cause: string): RegistryError {
  return new RegistryError("UNAVAILABLE", undefined, { cause: new Error(cause) });
}
