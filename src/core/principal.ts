import type { Ulid } from "./ulid.ts";

/** Who a principal is, for ever: a user who is removed and made again is another principal. */
export type PrincipalId = Ulid;

/** Somebody who has proved who they are. */
export interface Principal {
  readonly id: PrincipalId;
  readonly name: string;
  readonly isAdmin: boolean;
  /** Where the credential stands: dozo's own users, the operator's htpasswd file, or this process alone (the self-test). */
  readonly source: "dozo" | "htpasswd" | "process";
}
