import type { Ulid } from "./ulid.ts";

/** Who a principal is, for ever: a user who is removed and made again is another principal. */
export type PrincipalId = Ulid;

/** Principals that dozo did not make: it only gives them ids. */
export type ExternalSource = "htpasswd" | "ldap" | "oidc";

/** Somebody who has proved who they are. */
export interface Principal {
  readonly id: PrincipalId;
  readonly name: string;
  readonly isAdmin: boolean;
  /** A person, or a program that logs in with access keys only. */
  readonly kind: "user" | "robot";
  /** Where the credential stands: with dozo itself, with somebody the operator trusts, or in this process alone (the self-test). */
  readonly source: "dozo" | ExternalSource | "process";
  /** Whose a robot is: it may at most what its owner may. Undefined for people, and for robots of the registry's own. */
  readonly owner?: Pick<Principal, "id" | "isAdmin">;
}
