import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Provider } from "oidc-provider";
import { createAuthority, createServerKey, issueServerCertificate } from "../../src/pki/certificate-authority.ts";

/** Somebody whom the provider knows. */
interface ProviderUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/** A real OpenID Connect provider, with a login page of its own that believes every password. */
export interface RunningProvider {
  readonly issuer: string;
  /** The authority of its certificate, PEM. */
  readonly caPem: string;
  /** By their subject, which they type as their login there; may be changed while it runs. */
  readonly users: Map<string, ProviderUser>;
  stop(): Promise<void>;
}

/** The one client that it has. */
export const client = { id: "dozo", secret: "canary-client-secret" } as const;

/** Starts it for a registry that is met at this redirect URI. */
export async function startProvider(redirectUri: string): Promise<RunningProvider> {
  const now = Date.now();
  const authority = await createAuthority({ hostNames: [], suffixes: [], publicAddresses: [] }, now);
  const key = await createServerKey();
  const cert = await issueServerCertificate(authority, { names: ["localhost"], serverKeyPem: key, now });
  const users = new Map<string, ProviderUser>();
  let answer: ReturnType<Provider["callback"]> | undefined;
  const server = createServer({ key, cert }, (request, response) => void answer?.(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
  answer = new Provider(issuer, {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: [redirectUri] }],
    jwks: { keys: [generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" })] },
    cookies: { keys: ["a key for a test"] },
    claims: { openid: ["sub"], profile: ["preferred_username", "groups"], email: ["email"] },
    pkce: { required: () => true },
    findAccount: (_, subject) => {
      const user = users.get(subject);
      if (user === undefined) return undefined;
      const { name, groups } = user;
      return { accountId: subject, claims: () => ({ sub: subject, preferred_username: name, groups }) };
    },
  }).callback();
  return {
    issuer,
    caPem: authority.rootPem,
    users,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
