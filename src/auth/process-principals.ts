import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

import type { Principal } from "../core/principal.ts";
import type { UlidSource } from "../core/ulid.ts";

/** A login that exists in memory only. */
export interface ProcessCredential {
  readonly name: string;
  readonly secret: string;
  readonly principal: Principal;
}

/** Principals of this process alone, such as the self-test; they come in from loopback addresses only. */
export class ProcessPrincipals {
  readonly #ulids: UlidSource;
  readonly #credentials = new Map<string, ProcessCredential>();

  constructor(ulids: UlidSource) {
    this.#ulids = ulids;
  }

  /** An admin with a random secret, until it is revoked. The name is one that no user of dozo's own can have. */
  admit(purpose: string): ProcessCredential {
    const name = `~${purpose}`;
    const principal: Principal = { id: this.#ulids.next(), name, isAdmin: true, kind: "user", source: "process" };
    const credential = { name, secret: randomBytes(32).toString("hex"), principal };
    this.#credentials.set(name, credential);
    return credential;
  }

  revoke({ name }: ProcessCredential): void {
    this.#credentials.delete(name);
  }

  find(name: string, secret: string, clientAddress: string | undefined): Principal | undefined {
    const credential = this.#credentials.get(name);
    if (credential === undefined || clientAddress === undefined || !isLoopback(clientAddress)) return undefined;
    return timingSafeEqual(sha256(secret), sha256(credential.secret)) ? credential.principal : undefined;
  }
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127(?:\.[0-9]{1,3}){3}$/i.test(address);
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
