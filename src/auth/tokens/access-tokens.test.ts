import { beforeEach, describe, expect, spyOn, test } from "bun:test";
import { createHmac, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import type { PrincipalId } from "../../core/principal.ts";
import { silentLog } from "../../log.ts";
import { AccessTokens, type TokenContent } from "./access-tokens.ts";
import { SigningKeys } from "./signing-keys.ts";
import { parseScopes } from "./token-scope.ts";

type Json = Readonly<Record<string, unknown>>;

const alice: TokenContent = {
  holder: {
    kind: "password",
    name: "alice",
    id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId,
    source: "dozo",
    version: "v",
  },
  access: parseScopes(["repository:a/app:pull,push", "registry:catalog:*"]),
};

let now: number;
let files: Map<string, string>;
let reads: number;
let keys: SigningKeys;
let tokens: AccessTokens;
let good: string;
let header: Json;
let claims: Json;

beforeEach(async () => {
  now = 1_700_000_000_000;
  files = new Map();
  reads = 0;
  keys = await SigningKeys.open({
    files: {
      read: async (name) => {
        reads += 1;
        return files.get(name);
      },
      write: async (name, text) => void files.set(name, text),
    },
    clock: { now: () => now },
    log: silentLog,
  });
  tokens = new AccessTokens(keys, { now: () => now });
  good = (await tokens.mint(alice)).token;
  [header = {}, claims = {}] = good
    .split(".")
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()) as Json);
});

function encode(value: string | Json): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}

/** Signed with the registry's own key, as nobody else could: what is wrong with it is what it says. */
function signed(head: string | Json, payload: string | Json, encoded = `${encode(head)}.${encode(payload)}`): string {
  const { keys: kept } = JSON.parse(files.get("signing.key") ?? "") as { keys: { jwk: Json }[] };
  const key = createPrivateKey({ key: kept[0]?.jwk as never, format: "jwk" });
  return `${encoded}.${sign(null, Buffer.from(encoded), key).toString("base64url")}`;
}

/** In the five parts of an encrypted one (RFC 7516 section 3.1). */
function encrypted(head: Json): string {
  return `${encode(head)}.${["key", "iv", "text", "tag"].map(encode).join(".")}`;
}

async function isRefused(token: string): Promise<boolean> {
  // A second time too, when something of it could be remembered.
  const results = [await tokens.verify(token), await tokens.verify(token)];
  return results.every((result) => typeof result === "string");
}

describe("a token", () => {
  test("says what was put into it, each time", async () => {
    expect(await tokens.verify(good)).toMatchObject({ ...alice });
    expect(tokens.verify(good)).toMatchObject({ ...alice });
    expect(await tokens.verify(signed(header, claims))).toMatchObject({ ...alice });
  });

  test("has the claims of Docker's specification, for five minutes", () => {
    expect(header).toEqual({ alg: "EdDSA", kid: keys.current.header.kid, typ: "JWT" });
    expect(claims).toMatchObject({
      iss: keys.issuer,
      sub: "alice",
      aud: "dozo",
      iat: 1_700_000_000,
      nbf: 1_700_000_000,
      exp: 1_700_000_300,
      access: [
        { type: "repository", name: "a/app", actions: ["pull", "push", "overwrite"] },
        { type: "registry", name: "catalog", actions: ["*"] },
      ],
    });
    expect(claims["jti"]).toMatch(/^[A-Za-z0-9_-]{16}$/);
  });

  test("is of a size that fits into a header, or is not made", async () => {
    const scopes = Array.from({ length: 64 }, (_, index) => `repository:${"a".repeat(240)}${index}:pull`);

    const error = await tokens.mint({ ...alice, access: parseScopes(scopes) }).catch((thrown: Error) => thrown.message);

    expect(error).toBe("this is more than fits into one token");
  });

  test("of a key that was replaced counts until it ends", async () => {
    now += 30 * 24 * 60 * 60 * 1000;
    const late = (await tokens.mint(alice)).token;
    await keys.rotateIfDue();

    expect(await tokens.verify(late)).toMatchObject({ ...alice });
  });
});

describe("JWT-01: a token without a signature", () => {
  test.each(["none", "None", "nOnE", "NONE"])("with the algorithm %s is refused", async (alg) => {
    const [, payload, signature] = good.split(".");
    for (const head of [
      { ...header, alg },
      { alg, typ: "JWT" },
    ])
      for (const end of ["", signature]) expect(await isRefused(`${encode(head)}.${payload}.${end}`)).toBe(true);
  });

  test("is refused: an empty one, none at all, and one of zeroes", async () => {
    const [head, payload] = good.split(".");
    for (const token of [`${head}.${payload}.`, `${head}.${payload}`, `${head}.${payload}.${"A".repeat(86)}`])
      expect(await isRefused(token)).toBe(true);
  });
});

describe("JWT-02: a token with another kind of signature", () => {
  test("made with the public key as a secret is refused, in each form that the key has", async () => {
    const { keys: kept } = JSON.parse(files.get("signing.key") ?? "") as { keys: { jwk: Record<string, string> }[] };
    const { kty, crv, x = "" } = kept[0]?.jwk ?? {};
    const own = createPrivateKey({ key: kept[0]?.jwk as never, format: "jwk" });
    const forms = [
      JSON.stringify({ kty, crv, x }),
      Buffer.from(x, "base64url"),
      own.export({ type: "pkcs8", format: "pem" }),
    ];
    for (const alg of ["HS256", "HS384", "HS512"])
      for (const form of forms) {
        const input = `${encode({ ...header, alg })}.${encode(claims)}`;
        const mac = createHmac(`sha${alg.slice(2)}`, form)
          .update(input)
          .digest("base64url");
        expect(await isRefused(`${input}.${mac}`)).toBe(true);
      }
  });

  test.each(["RS256", "PS256", "ES256", "ES256K", "ES384", "Ed448", "Ed25519", "EdDSA "])(
    "of the kind %s is refused, whatever stands there",
    async (alg) => {
      const zeroes = Buffer.alloc(64).toString("base64url");
      expect(await isRefused(`${encode({ ...header, alg })}.${encode(claims)}.${zeroes}`)).toBe(true);
      expect(await isRefused(signed({ ...header, alg }, claims))).toBe(true);
    },
  );

  test("by a key of another registry is refused, whatever key it names", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const input = good.split(".").slice(0, 2).join(".");
    expect(await isRefused(`${input}.${sign(null, Buffer.from(input), privateKey).toString("base64url")}`)).toBe(true);
  });

  test("of a point of small order, or with s + L for s, is refused", async () => {
    const [head = "", payload = "", signature = ""] = good.split(".");
    const smallOrder = Buffer.alloc(64);
    smallOrder[0] = 1;
    expect(await isRefused(`${head}.${payload}.${smallOrder.toString("base64url")}`)).toBe(true);
    // RFC 8032 section 5.1.7: s has to be less than the order of the group, or there are several signatures of one text.
    const bytes = Buffer.from(signature, "base64url");
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from([...bytes.subarray(32)].toReversed()).toString("hex")}`) + order;
    const written = [...Buffer.from(s.toString(16).padStart(64, "0"), "hex")].toReversed();
    const other = Buffer.from([...bytes.subarray(0, 32), ...written]).toString("base64url");
    expect(await isRefused(`${head}.${payload}.${other}`)).toBe(true);
  });
});

describe("JWT-03: a token that names another key", () => {
  const names: readonly unknown[] = [
    "../../dev/null",
    "'; --",
    ["a"],
    1,
    null,
    "",
    "x".repeat(1024 * 1024),
    "__proto__",
    "constructor",
  ];

  test.each([...names.entries()])("%i is refused, and nothing is read for it", async (_, kid) => {
    const readBefore = reads;
    expect(await isRefused(signed({ ...header, kid }, claims))).toBe(true);
    expect(await isRefused(signed({ alg: "EdDSA", typ: "JWT" }, claims))).toBe(true);
    expect(reads).toBe(readBefore);
  });
});

describe("JWT-04: a token for somebody else", () => {
  test.each([
    [undefined],
    ["other"],
    [["dozo"]],
    [["dozo", "other"]],
    [{ dozo: true }],
    [[""]],
    [""],
    ["dozo "],
    ["DOZO"],
    [1],
  ])("with the audience %j is refused", async (aud: unknown) => {
    expect(await isRefused(signed(header, { ...claims, aud }))).toBe(true);
  });

  test.each([[undefined], ["dozo/other"], [""], [["dozo"]], [null]])(
    "with the issuer %j is refused",
    async (iss: unknown) => {
      expect(await isRefused(signed(header, { ...claims, iss }))).toBe(true);
    },
  );
});

describe("JWT-05: the times of a token", () => {
  const seconds = 1_700_000_000;
  test.each([
    ["exp", undefined],
    ["exp", seconds - 1],
    ["exp", String(seconds + 300)],
    ["exp", -1],
    ["exp", seconds + 300.5],
    ["exp", seconds + 30_000],
    ["exp", null],
    ["nbf", seconds + 3600],
    ["nbf", undefined],
    ["iat", seconds + 3600],
    ["iat", seconds - 3600],
    ["iat", undefined],
    ["iat", "now"],
  ])("with %s %p is refused", async (name, value) => {
    expect(await isRefused(signed(header, { ...claims, [name]: value }))).toBe(true);
  });

  test("cannot be without end, nor anything that is no number", async () => {
    for (const text of ["1e400", "-1e400", "NaN", "Infinity", "1e3", "17000003000e-1", "+1700000300"]) {
      const payload = JSON.stringify(claims).replace(/"exp":[0-9]+/, `"exp":${text}`);
      expect(await isRefused(signed(header, payload))).toBe(true);
    }
  });

  test.each([
    [0, true],
    [359_000, true],
    [361_000, false],
    [3_600_000, false],
    [-59_000, true],
    [-61_000, false],
    [-3_600_000, false],
  ])("count on a clock that is moved by %i ms: %p", async (byMs, counts) => {
    now += byMs;
    expect(typeof (await tokens.verify(good)) === "object").toBe(counts);
  });

  test.each([361_000, -61_000])("count for one that is remembered, too: moved by %i ms it is refused", async (byMs) => {
    await tokens.verify(good);
    now += byMs;
    expect(await isRefused(good)).toBe(true);
  });
});

describe("JWT-06: a token that brings a key along", () => {
  test("is refused, and nobody is asked for anything", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: header["kid"] };
    const fetched = spyOn(globalThis, "fetch");
    for (const extra of [
      { jwk },
      { x5c: ["MIIB"] },
      { jku: "http://192.0.2.1/keys" },
      { x5u: "http://192.0.2.1/crt" },
    ]) {
      const input = `${encode({ ...header, ...extra })}.${encode(claims)}`;
      expect(await isRefused(`${input}.${sign(null, Buffer.from(input), privateKey).toString("base64url")}`)).toBe(
        true,
      );
      expect(await isRefused(signed({ ...header, ...extra }, claims))).toBe(true);
    }
    expect(fetched).not.toHaveBeenCalled();
    fetched.mockRestore();
  });
});

describe("JWT-07: a token that is written in another way", () => {
  test.each([
    [{ crit: ["x"], x: 1 }],
    [{ crit: ["b64"], b64: false }],
    [{ b64: false }],
    [{ crit: [] }],
    [{ cty: "JWT" }],
    [{ typ: "jwt" }],
  ])("with %j in its header is refused", async (extra) => {
    expect(await isRefused(signed({ ...header, ...extra }, claims))).toBe(true);
  });

  test("with keys twice, in another order, with spaces, a byte order mark or something behind it is refused", async () => {
    const text = JSON.stringify(claims);
    const head = JSON.stringify(header);
    for (const payload of [
      text.replace("{", '{"sub":"root",'),
      text.replace(/\}$/, ',"sub":"root"}'),
      text.replace(/\}$/, ',"admin":true}'),
      `${text} `,
      ` ${text}`,
      `\ufeff${text}`,
      `${text}{}`,
      text.replace('"alice"', '"\\u0061lice"'),
      JSON.stringify(Object.fromEntries(Object.entries(claims).toReversed())),
      "null",
      "[]",
      "1",
      "",
    ])
      expect(await isRefused(signed(head, payload))).toBe(true);
    for (const other of [head.replace("{", '{"alg":"none",'), ` ${head}`, `\ufeff${head}`, `${head}\n`])
      expect(await isRefused(signed(other, text))).toBe(true);
    expect(await isRefused(signed(header, "", `${encode(header)}.${Buffer.from([0xff]).toString("base64url")}`))).toBe(
      true,
    );
  });

  test("with access that the registry gives to nobody is refused", async () => {
    for (const access of [
      "*",
      [null],
      [{ type: "repository", name: "*", actions: ["pull"] }],
      [{ type: "repository", name: "a", actions: ["*"] }],
      [{ type: "repository", name: "a", actions: ["push", "pull"] }],
      [{ type: "repository", name: "a", actions: ["admin"] }],
      [{ type: "repository(plugin)", name: "a", actions: ["pull"] }],
      [{ type: "registry", name: "catalog", actions: ["pull"] }],
      [{ type: "registry", name: "*", actions: ["*"] }],
    ])
      expect(await isRefused(signed(header, { ...claims, access }))).toBe(true);
    expect(await isRefused(signed(header, { ...claims, holder: { kind: "root" } }))).toBe(true);
    expect(await isRefused(signed(header, { ...claims, holder: null }))).toBe(true);
  });

  test("in a base64url that is not the one of these bytes is refused", async () => {
    const [head = "", payload = "", signature = ""] = good.split(".");
    const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = digits.indexOf(signature.at(-1) ?? "");
    // The bits behind the last byte count for nothing in a decoder that is lenient.
    const sloppy = `${signature.slice(0, -1)}${digits[last + 1] ?? ""}`;
    expect(Buffer.from(sloppy, "base64url").equals(Buffer.from(signature, "base64url"))).toBe(true);
    for (const token of [
      `${head}.${payload}.${sloppy}`,
      `${head}.${payload}.${signature}==`,
      `${head}.${payload}.${signature} `,
      `${head}.${payload}=.${signature}`,
      `${head} .${payload}.${signature}`,
      `${head}.${payload.slice(0, 4)}\n${payload.slice(4)}.${signature}`,
      `${head}.${payload}.${signature.replaceAll("-", "+").replaceAll("_", "/")}+`,
      ` ${good}`,
      `${good}.`,
      `.${good}`,
    ])
      expect(await isRefused(token)).toBe(true);
  });
});

describe("JWT-08, JWT-09: a token that costs much", () => {
  test("is refused at once, before anything of it is decoded", () => {
    const bomb = { ...header, alg: "PBES2-HS256+A128KW", enc: "A128GCM", p2c: 2 ** 31, p2s: "AAAA" };
    for (const token of [
      encrypted({ ...header, alg: "dir", enc: "A128GCM" }),
      encrypted({ ...header, alg: "dir", enc: "A128GCM", zip: "DEF" }),
      encrypted(bomb),
      encrypted(header),
      ".".repeat(60_000),
      `${good}${".".repeat(60_000)}`,
      `eyJ${"A".repeat(1024 * 1024)}.A.A`,
      signed(header, { ...claims, more: "x".repeat(1024 * 1024) }),
      signed(header, { ...claims, access: Array.from({ length: 10_000 }, () => claims["access"]) }),
    ])
      // A promise would mean that a signature is worked out.
      expect(typeof tokens.verify(token)).toBe("string");
  });
});
