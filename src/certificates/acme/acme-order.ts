import { Worker } from "node:worker_threads";

import type { Challenge, FromOrderThread, OrderFailure, OrderRequest, ToOrderThread } from "./acme-messages.ts";

/** Shows the certificate authority that a name is ours. Either may reject, in words for the operator. */
export interface ChallengeProver {
  readonly type: Challenge["type"];
  /** Settles when the authority can see it. The signal ends the work. */
  putUp(challenge: Challenge, signal: AbortSignal): Promise<void>;
  takeDown(challenge: Challenge, signal: AbortSignal): Promise<void>;
}

/** An order that did not lead to a certificate. */
export class OrderFailedError extends Error {
  readonly failure: OrderFailure;

  constructor(failure: OrderFailure) {
    super(failure.message);
    this.name = "OrderFailedError";
    this.failure = failure;
  }
}

/**
 * Gets a certificate by ACME (RFC 8555), in a thread that is there for this one order; answers the chain, PEM, the certificate first.
 * Rejects with `OrderFailedError`, or with the signal's reason once it is given; nothing goes on behind it then.
 */
export async function orderCertificate(
  request: OrderRequest,
  prover: ChallengeProver,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const worker = new Worker(new URL("./acme-order.worker.ts", import.meta.url));
  const send = (message: ToOrderThread): void => worker.postMessage(message, []);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  worker.on("message", (message: FromOrderThread) => {
    if (message.kind === "done") resolve(message.certificatePem);
    else if (message.kind === "failed") reject(new OrderFailedError(message.failure));
    else void show(prover, message, signal).then((fault) => send({ kind: "answered", fault }));
  });
  worker.on("error", (cause) => reject(new Error("the thread for ACME failed", { cause })));
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort);
  send({ kind: "order", request });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    await worker.terminate();
  }
}

async function show(
  prover: ChallengeProver,
  { kind, challenge }: { readonly kind: "putUp" | "takeDown"; readonly challenge: Challenge },
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await prover[kind](challenge, signal);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
