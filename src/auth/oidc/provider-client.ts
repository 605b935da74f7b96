import {
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  type CustomFetch,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from "openid-client";

import { type Claims, LoginRefusedError, type ProviderLogin, readClaims } from "./claims.ts";

export interface ProviderClientOptions {
  /** As the provider writes itself; nobody else is believed. */
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined for a client without one: PKCE alone says then who fetches the answer. */
  readonly clientSecret: (() => Promise<string>) | undefined;
  readonly scopes: readonly string[];
  readonly nameClaim: string;
  readonly groupsClaim: string;
  /** Who is not in this group is not let in. */
  readonly requiredGroup: string | undefined;
  /** The provider's certificate authority, PEM; undefined: the usual ones. */
  readonly caPem: string | undefined;
  /** How to ask; for tests. */
  readonly fetch?: CustomFetch;
}

/** What a login began with. It has to come back from the same browser, and nobody else may know it. */
export interface LoginAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

const timeoutSeconds = 10;
const mostAnswerBytes = 1024 * 1024;
/** After this time what the provider says of itself is asked for again. */
const descriptionHoldsMs = 60 * 60_000;
/** A provider that cannot be reached is not asked again for so long, however many want to log in. */
const failureHoldsMs = 5000;
const mostAtOnce = 32;

/**
 * Logs people in with the company's provider: OpenID Connect's authorization code flow with PKCE, state and nonce, and the
 * ID token's signature checked against the provider's keys, which are fetched from the issuer that was set.
 */
export class ProviderClient {
  readonly #options: ProviderClientOptions;
  readonly #now: () => number;
  #found: { readonly configuration: Promise<Configuration>; readonly until: number } | undefined;
  #atOnce = 0;

  constructor(options: ProviderClientOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  get issuer(): string {
    return this.#options.issuer;
  }

  /** Where the browser has to go, and what it has to bring back. Rejects when the provider cannot be reached. */
  begin(redirectUri: string): Promise<{ readonly address: string; readonly attempt: LoginAttempt }> {
    return this.#bounded(async () => {
      const attempt = { state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier() };
      const address = buildAuthorizationUrl(await this.#configuration(), {
        redirect_uri: redirectUri,
        scope: this.#options.scopes.join(" "),
        code_challenge: await calculatePKCECodeChallenge(attempt.codeVerifier),
        code_challenge_method: "S256",
        state: attempt.state,
        nonce: attempt.nonce,
      });
      return { address: address.href, attempt };
    });
  }

  /**
   * Who the provider says logged in. `answer` is the redirect URI with the query that came. Rejects with `LoginRefusedError` for
   * what its person can understand, and with what went wrong otherwise.
   */
  finish(answer: URL, { state, nonce, codeVerifier }: LoginAttempt): Promise<ProviderLogin> {
    return this.#bounded(async () => {
      const configuration = await this.#configuration();
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier };
      const tokens = await authorizationCodeGrant(configuration, answer, { ...checks, idTokenExpected: true }).catch(
        (error: unknown) => {
          throw error instanceof AuthorizationResponseError ? refusalOf(error) : error;
        },
      );
      const claims = tokens.claims();
      if (claims === undefined) throw new Error("the provider sent no ID token");
      const more = await this.#moreClaims(configuration, claims, tokens.access_token);
      return readClaims({ ...more, ...claims }, this.#options);
    });
  }

  /** Some providers put names and groups where they have to be asked for. */
  async #moreClaims(configuration: Configuration, claims: Claims, accessToken: string): Promise<object> {
    const { nameClaim, groupsClaim } = this.#options;
    const needed = [nameClaim, groupsClaim, ...(nameClaim === "email" ? ["email_verified"] : [])];
    const isThere = needed.every((name) => claims[name] !== undefined);
    if (isThere || configuration.serverMetadata().userinfo_endpoint === undefined) return {};
    return fetchUserInfo(configuration, accessToken, claims.sub);
  }

  #configuration(): Promise<Configuration> {
    const now = this.#now();
    if (this.#found !== undefined && now < this.#found.until) return this.#found.configuration;
    const configuration = this.#discover();
    this.#found = { configuration, until: now + descriptionHoldsMs };
    configuration.catch(() => {
      this.#found = { configuration, until: this.#now() + failureHoldsMs };
    });
    return configuration;
  }

  async #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret, caPem, fetch: ask = boundedFetch(caPem) } = this.#options;
    const authentication = clientSecret === undefined ? None() : clientSecretAuth(await clientSecret());
    return discovery(new URL(issuer), clientId, {}, authentication, {
      [customFetch]: ask,
      timeout: timeoutSeconds,
      execute: [enableNonRepudiationChecks],
    });
  }

  async #bounded<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#atOnce >= mostAtOnce) throw new LoginRefusedError("too many logins at once, try again in a moment");
    this.#atOnce += 1;
    try {
      return await work();
    } finally {
      this.#atOnce -= 1;
    }
  }
}

/** The way that the provider offers: in the header, which is every provider's default, or in the form (OpenID Connect Core section 9). */
function clientSecretAuth(secret: string): ClientAuth {
  const inHeader = ClientSecretBasic(secret);
  const inForm = ClientSecretPost(secret);
  return (server, ...rest) => {
    const offered = server.token_endpoint_auth_methods_supported;
    return (offered?.includes("client_secret_basic") === false ? inForm : inHeader)(server, ...rest);
  };
}

/** What the answer says is written by whoever made the browser come here; only a code of the specification's form is repeated. */
function refusalOf({ error }: AuthorizationResponseError): LoginRefusedError {
  const code = /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : "";
  return new LoginRefusedError(`the provider did not log you in${code}`);
}

/** Verifies certificates, follows no redirects (the library asks for that), and reads no endless answer. */
function boundedFetch(caPem: string | undefined): CustomFetch {
  const trust = caPem === undefined ? {} : { tls: { ca: caPem } };
  return async (url, options) => {
    const answer = await fetch(url, { ...options, ...trust } as RequestInit);
    const chunks: Uint8Array[] = [];
    let lengthBytes = 0;
    for await (const chunk of answer.body ?? []) {
      lengthBytes += chunk.byteLength;
      if (lengthBytes > mostAnswerBytes)
        throw new Error(`the provider's answer of ${new URL(url).pathname} is too long`);
      chunks.push(chunk);
    }
    const { status, statusText, headers } = answer;
    return new Response(lengthBytes === 0 ? null : Buffer.concat(chunks), { status, statusText, headers });
  };
}
