import type { Change } from "../../core/metadata-store.ts";
import type { OidcArrival, OidcUser, OidcUserStore } from "../../core/oidc-user-store.ts";
import type { changes, reads } from "./operations.ts";
import type { DatabaseThread } from "./thread.ts";

/** The port of the provider's users over the two threads of the database. */
export class SqliteOidcUserStore implements OidcUserStore {
  readonly #reader: DatabaseThread<typeof reads>;
  readonly #writer: DatabaseThread<typeof changes>;

  constructor(reader: DatabaseThread<typeof reads>, writer: DatabaseThread<typeof changes>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  listOidcUsers(): Promise<readonly OidcUser[]> {
    return this.#reader.call("listOidcUsers");
  }

  findOidcUser(issuer: string, subject: string): Promise<OidcUser | undefined> {
    return this.#reader.call("findOidcUser", issuer, subject);
  }

  receiveOidcUser(arrival: OidcArrival): Promise<OidcUser> {
    return this.#writer.call("receiveOidcUser", arrival);
  }

  readmitOidcUser(name: string, _change: Change): Promise<boolean> {
    return this.#writer.call("readmitOidcUser", name);
  }
}
