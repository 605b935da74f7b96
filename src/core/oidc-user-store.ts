import type { Change } from "./metadata-store.ts";
import type { PrincipalId } from "./principal.ts";

/** Somebody who logs in with the company's provider (OpenID Connect). Who it is say issuer and subject, for ever. */
export interface OidcUser {
  readonly id: PrincipalId;
  readonly issuer: string;
  /** The provider's own id of the person (OpenID Connect Core section 2, `sub`): never given to anybody else. */
  readonly subject: string;
  /** As it was at the first login; nobody else of the provider has it who has not been removed. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly isRemoved: boolean;
}

/** What somebody brings who has been seen by the provider; `fresh` and `name` are used the first time. */
export interface OidcArrival extends Pick<OidcUser, "issuer" | "subject" | "name"> {
  readonly fresh: PrincipalId;
  readonly at: number;
}

/** The users of the company's provider; the account store removes them, as all. Reading answers the state after every acknowledged change. */
export interface OidcUserStore {
  /** In byte order of their names; those who were removed among them. */
  listOidcUsers(): Promise<readonly OidcUser[]>;
  /** Also one who was removed; undefined for somebody who has never come. */
  findOidcUser(issuer: string, subject: string): Promise<OidcUser | undefined>;
  /**
   * Who this is: the same each time, also when they were removed, which no login takes back. Throws `CONFLICT` when it is
   * somebody new, under a name that another user of the provider has.
   */
  receiveOidcUser(arrival: OidcArrival): Promise<OidcUser>;
  /** Takes the last removal of this name back. False when nobody of this name was removed. Throws `CONFLICT` when somebody else has the name now. */
  readmitOidcUser(name: string, change: Change): Promise<boolean>;
}
