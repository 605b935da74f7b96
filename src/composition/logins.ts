import { Authenticator } from "../auth/authenticate.ts";
import { ClientCertificates } from "../auth/client-certificates.ts";
import { ProcessPrincipals } from "../auth/process-principals.ts";
import { Sessions } from "../auth/sessions.ts";
import { AccessTokens } from "../auth/tokens/access-tokens.ts";
import { BearerTokens } from "../auth/tokens/bearer-tokens.ts";
import { RefreshTokens } from "../auth/tokens/refresh-tokens.ts";
import { SigningKeys } from "../auth/tokens/signing-keys.ts";
import { TokenHolders } from "../auth/tokens/token-holders.ts";
import { TokenService } from "../auth/tokens/token-service.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import type { AppOptions } from "./app-options.ts";
import { clock, ulids } from "./clock.ts";
import type { Serving } from "./serving.ts";
import type { Stores } from "./stores.ts";
import type { UsersElsewhere } from "./users-elsewhere.ts";

/** Every way in which somebody proves who they are. */
export interface Logins {
  readonly authenticator: Authenticator;
  readonly clientCertificates: ClientCertificates;
  readonly processPrincipals: ProcessPrincipals;
  readonly sessions: Sessions;
  readonly tokens: TokenService;
}

const hourMs = 60 * 60 * 1000;
/** Twice this is how long the access keys of somebody live who was taken out of the directory. */
const directoryRefreshMs = 5 * 60 * 1000;

/** They end with `serving`. */
export async function openLogins(
  { settings, log, onLogin }: AppOptions,
  stores: Stores,
  { htpasswd, directory }: UsersElsewhere,
  serving: Serving,
): Promise<Logins> {
  const { accounts, keys: accessKeys, access, certificates, refreshTokens: store } = stores;
  const { decide } = access;
  const clientCertificates = new ClientCertificates({ accounts, certificates, rules: settings.clientUsers, clock });
  const signingKeys = await SigningKeys.open({ files: new PkiFolder(`${settings.data}/tokens`), clock, log });
  serving.every(hourMs, "change of the key for tokens", () => signingKeys.rotateIfDue());
  const accessTokens = new AccessTokens(signingKeys, clock);
  const { secret } = signingKeys;
  const held = { accounts, accessKeys, htpasswd };
  const holders = new TokenHolders({ ...held, clientCertificates, decide, clock, ulids, secret });
  const refreshTokens = new RefreshTokens({ store, clock, log, secret });
  serving.every(hourMs, "removal of idle refresh tokens", () => refreshTokens.removeIdle());
  if (directory !== undefined) {
    void directory.announce();
    serving.every(directoryRefreshMs, "look at who is still in the directory (ldap)", () => directory.refresh());
  }
  const processPrincipals = new ProcessPrincipals(ulids);
  const bearerTokens = new BearerTokens(accessTokens, holders);
  const ways = { ...held, directory, clientCertificates, bearerTokens, processPrincipals };
  const authenticator = new Authenticator({ ...ways, onLogin, clock, ulids, log });
  serving.atEnd(
    () => authenticator.stop(),
    () => htpasswd?.stop(),
  );
  const versionOf = (name: string): string => `${accounts.changesOf(name)} ${htpasswd?.users.get(name)?.text ?? ""}`;
  return {
    authenticator,
    clientCertificates,
    processPrincipals,
    sessions: new Sessions({ clock, versionOf }),
    tokens: new TokenService({ tokens: accessTokens, holders, refreshTokens, decide }),
  };
}
