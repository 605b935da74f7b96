import { beforeEach, describe, expect, test } from "bun:test";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

import { type LoginAttempt, ProviderClient, type ProviderClientOptions } from "./provider-client.ts";

const issuer = "https://login.test/realm";
const redirectUri = "https://registry.test/login/oidc/callback";
const rsa = (): { publicKey: KeyObject; privateKey: KeyObject } => generateKeyPairSync("rsa", { modulusLength: 2048 });
const own = rsa();
const foreign = rsa();

/** What a provider would say, for a test to change. */
interface Answers {
  metadata: Record<string, unknown>;
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  userInfo: Record<string, unknown>;
  key: KeyObject;
  tokenStatus: number;
}

let now: number;
let answers: Answers;
let asked: { readonly path: string; readonly body: URLSearchParams; readonly authorization: string | null }[];

const json = (value: unknown, status = 200): Response => Response.json(value, { status });
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function idToken({ header, claims, key }: Answers): string {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${header["alg"] === "none" ? "" : sign("sha256", Buffer.from(text), key).toString("base64url")}`;
}

function client(more: Partial<ProviderClientOptions> = {}): ProviderClient {
  return new ProviderClient(
    {
      issuer,
      clientId: "dozo",
      clientSecret: async () => "canary secret",
      scopes: ["openid", "groups"],
      nameClaim: "preferred_username",
      groupsClaim: "groups",
      requiredGroup: undefined,
      caPem: undefined,
      fetch: async (url, { body, headers }) => {
        const { pathname } = new URL(url);
        asked.push({
          path: pathname,
          body: new URLSearchParams(body instanceof URLSearchParams ? body : ""),
          authorization: new Headers(headers).get("authorization"),
        });
        if (pathname === "/realm/.well-known/openid-configuration") return json({ ...answers.metadata });
        if (pathname === "/realm/keys")
          return json({ keys: [{ ...own.publicKey.export({ format: "jwk" }), kid: "1", use: "sig", alg: "RS256" }] });
        if (pathname === "/realm/userinfo") return json(answers.userInfo);
        const token = { access_token: "at", token_type: "Bearer", id_token: idToken(answers) };
        return json(answers.tokenStatus === 200 ? token : { error: "invalid_grant" }, answers.tokenStatus);
      },
      ...more,
    },
    () => now,
  );
}

async function begin(provider: ProviderClient): Promise<{ readonly asks: URL; readonly attempt: LoginAttempt }> {
  const { address, attempt } = await provider.begin(redirectUri);
  answers.claims["nonce"] = attempt.nonce;
  return { asks: new URL(address), attempt };
}

function answer(attempt: LoginAttempt, more: Readonly<Record<string, string>> = {}): URL {
  return new URL(`${redirectUri}?${new URLSearchParams({ code: "abc", state: attempt.state, ...more }).toString()}`);
}

beforeEach(() => {
  now = Date.now();
  asked = [];
  answers = {
    metadata: {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      userinfo_endpoint: `${issuer}/userinfo`,
      id_token_signing_alg_values_supported: ["RS256"],
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
    },
    header: { alg: "RS256", kid: "1" },
    claims: {
      iss: issuer,
      sub: "1",
      aud: "dozo",
      exp: now / 1000 + 300,
      iat: Math.floor(now / 1000),
      preferred_username: "ann",
      groups: ["dev"],
    },
    userInfo: { sub: "1" },
    key: own.privateKey,
    tokenStatus: 200,
  };
});

/** Why it failed; fails itself where it did not. */
async function reasonOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return String(error);
  }
  throw new Error("it did not fail");
}

describe("a login with the provider", () => {
  test("asks for a code with PKCE, state and nonce, and for the tokens with the verifier and the secret", async () => {
    const provider = client();

    const { asks, attempt } = await begin(provider);
    const login = await provider.finish(answer(attempt), attempt);

    expect(login).toEqual({ issuer, subject: "1", name: "ann", groups: ["dev"] });
    expect(asks.origin + asks.pathname).toBe(`${issuer}/auth`);
    expect(Object.fromEntries(asks.searchParams)).toEqual({
      client_id: "dozo",
      response_type: "code",
      redirect_uri: redirectUri,
      scope: "openid groups",
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: createHash("sha256").update(attempt.codeVerifier).digest("base64url"),
      code_challenge_method: "S256",
    });
    const token = asked.find(({ path }) => path === "/realm/token");
    expect(token?.body.get("code_verifier")).toBe(attempt.codeVerifier);
    expect(token?.body.get("redirect_uri")).toBe(redirectUri);
    expect(token?.authorization).toBe(`Basic ${btoa("dozo:canary+secret")}`);
  });

  test("is another one each time", async () => {
    const provider = client();
    const [one, other] = [await begin(provider), await begin(provider)];

    for (const name of ["state", "nonce", "codeVerifier"] as const)
      expect(one.attempt[name]).not.toBe(other.attempt[name]);
  });

  test("sends the secret in the form where the provider wants it so, and none where there is none", async () => {
    answers.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"];
    const provider = client();
    const first = await begin(provider);
    await provider.finish(answer(first.attempt), first.attempt);
    expect(asked.find(({ path }) => path === "/realm/token")?.body.get("client_secret")).toBe("canary secret");

    asked = [];
    const open = client({ clientSecret: undefined });
    const second = await begin(open);
    await open.finish(answer(second.attempt), second.attempt);
    const token = asked.find(({ path }) => path === "/realm/token");
    expect([token?.authorization, token?.body.get("client_secret"), token?.body.get("client_id")]).toEqual([
      null,
      null,
      "dozo",
    ]);
  });

  test("takes from the provider's second answer what the token leaves out, if it is of the same person", async () => {
    delete answers.claims["groups"];
    answers.userInfo = { sub: "1", groups: ["ops"], preferred_username: "other" };
    const provider = client();
    const first = await begin(provider);
    expect(await provider.finish(answer(first.attempt), first.attempt)).toMatchObject({ name: "ann", groups: ["ops"] });

    answers.userInfo = { sub: "2", groups: ["ops"] };
    const second = await begin(provider);
    expect(await reasonOf(provider.finish(answer(second.attempt), second.attempt))).not.toBe("");
  });
});

describe("a login fails", () => {
  const faults: Readonly<Record<string, () => void>> = {
    "a token of another issuer": () => (answers.claims["iss"] = "https://evil.test"),
    "a token for another client": () => (answers.claims["aud"] = "other"),
    "a token that is over": () => (answers.claims["exp"] = now / 1000 - 300),
    "a token of another login": () => (answers.claims["nonce"] = "other"),
    "a token without a nonce": () => delete answers.claims["nonce"],
    "a token without a subject": () => delete answers.claims["sub"],
    "a token that nobody signed": () => (answers.header = { alg: "none" }),
    "a token that somebody else signed": () => (answers.key = foreign.privateKey),
    "a token signed with the secret": () => (answers.header = { alg: "HS256", kid: "1" }),
    "a token whose key comes with it": () => {
      answers.key = foreign.privateKey;
      answers.header = { alg: "RS256", jwk: foreign.publicKey.export({ format: "jwk" }) };
    },
    "a code that the provider does not take": () => (answers.tokenStatus = 400),
  };

  test.each(Object.keys(faults))("with %s", async (name) => {
    const provider = client();
    const { attempt } = await begin(provider);
    faults[name]?.();

    expect(await reasonOf(provider.finish(answer(attempt), attempt))).not.toBe("");
  });

  test.each([
    ["another state", { state: "other" }],
    ["another issuer in the answer", { iss: "https://evil.test" }],
    ["no code", { code: "" }],
  ] as const)("with %s", async (_, more) => {
    const provider = client();
    const { attempt } = await begin(provider);

    expect(await reasonOf(provider.finish(answer(attempt, more), attempt))).not.toBe("");
    expect(asked.map(({ path }) => path)).not.toContain("/realm/token");
  });

  test("in words of our own when the provider or the person said no", async () => {
    const provider = client();
    const { attempt } = await begin(provider);
    const said = (error: string): URL =>
      new URL(
        `${redirectUri}?${new URLSearchParams({ error, state: attempt.state, error_description: "evil" }).toString()}`,
      );

    expect(await reasonOf(provider.finish(said("access_denied"), attempt))).toBe(
      "LoginRefusedError: the provider did not log you in (access_denied)",
    );
    expect(await reasonOf(provider.finish(said("<b>"), attempt))).toBe(
      "LoginRefusedError: the provider did not log you in",
    );
  });

  test.each([
    ["that is somebody else", { issuer: "https://evil.test" }],
    ["that sends the browser off without TLS", { token_endpoint: "http://login.test/token" }],
  ])("with a provider %s", async (_, more) => {
    Object.assign(answers.metadata, more);
    const provider = client();

    const login = begin(provider).then(({ attempt }) => provider.finish(answer(attempt), attempt));

    expect(await reasonOf(login)).not.toBe("");
  });
});

describe("a provider that cannot be reached", () => {
  test("is asked again after some seconds, and not for each who wants to log in", async () => {
    let isUp = false;
    let tries = 0;
    const provider = client({
      fetch: async () => {
        tries += 1;
        if (!isUp) throw new Error("nobody is there");
        return json(answers.metadata);
      },
    });

    for (let count = 0; count < 3; count += 1) expect(await reasonOf(provider.begin(redirectUri))).not.toBe("");
    expect(tries).toBe(1);
    isUp = true;
    now += 5000;
    expect((await provider.begin(redirectUri)).address).toStartWith(`${issuer}/auth`);
  });

  test("or is slow holds up no more than a bounded number of logins", async () => {
    const waiting = Promise.withResolvers<Response>();
    const provider = client({ fetch: () => waiting.promise });
    const logins = Array.from({ length: 32 }, () => provider.begin(redirectUri));

    expect(await reasonOf(provider.begin(redirectUri))).toContain("too many logins at once");

    waiting.resolve(json(answers.metadata));
    expect(await Promise.all(logins)).toHaveLength(32);
  });
});
