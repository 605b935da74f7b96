/** A password hash of an htpasswd file, taken apart. `text` is as it stands in the file. */
export type HtpasswdHash =
  | { readonly scheme: "bcrypt"; readonly text: string; readonly cost: number }
  | { readonly scheme: "apr1"; readonly text: string; readonly salt: string; readonly encoded: string }
  | { readonly scheme: "sha1"; readonly text: string }
  | {
      readonly scheme: "sha256" | "sha512";
      readonly text: string;
      readonly salt: string;
      readonly rounds: number;
      readonly encoded: string;
    };

/** What keeps a file from being used, and where. */
export class HtpasswdError extends Error {
  readonly lineNumber: number | undefined;

  constructor(lineNumber: number | undefined, reason: string) {
    super(lineNumber === undefined ? reason : `line ${lineNumber}: ${reason}`);
    this.name = "HtpasswdError";
    this.lineNumber = lineNumber;
  }
}

export interface HtpasswdEntries {
  readonly users: ReadonlyMap<string, HtpasswdHash>;
  /** A sentence for each line whose hash is weak. */
  readonly warnings: readonly string[];
}

const maxFileBytes = 8 * 1024 * 1024;
const maxNameBytes = 255;
const bcryptCosts = { lowest: 4, highest: 14 };
const maxShaRounds = 500_000;

const weak: Readonly<Record<Exclude<HtpasswdHash["scheme"], "bcrypt">, string>> = {
  apr1: "$apr1$ (MD5)",
  sha1: "{SHA} (SHA-1 without a salt)",
  sha256: "$5$ (SHA-256)",
  sha512: "$6$ (SHA-512)",
};

/**
 * Reads an htpasswd file: a line is `name:hash`; empty lines and those that begin with # do not count. Every line has to be
 * readable, or an `HtpasswdError` names the first that is not: a user who silently cannot log in, or can with what was not meant
 * as a hash, would be worse than a start that fails.
 */
export function parseHtpasswd(bytes: Uint8Array): HtpasswdEntries {
  if (bytes.length > maxFileBytes) throw new HtpasswdError(undefined, `it is larger than ${maxFileBytes} bytes`);
  const users = new Map<string, HtpasswdHash>();
  const warnings: string[] = [];
  for (const [index, line] of decode(bytes).split("\n").entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const { name, hash } = parseLine(line, index + 1);
    if (users.has(name)) throw new HtpasswdError(index + 1, `${JSON.stringify(name)} stands there for a second time`);
    users.set(name, hash);
    if (hash.scheme === "bcrypt") continue;
    warnings.push(
      `line ${index + 1}: the password of ${JSON.stringify(name)} is kept as ${weak[hash.scheme]}, which is weak; ` +
        "better: htpasswd -B -C 10",
    );
  }
  return { users, warnings };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new HtpasswdError(undefined, "it is not UTF-8");
  }
}

function parseLine(line: string, lineNumber: number): { readonly name: string; readonly hash: HtpasswdHash } {
  if (line.endsWith("\r"))
    throw new HtpasswdError(lineNumber, String.raw`it ends with a carriage return; mend it with: sed -i 's/\r$//'`);
  const colon = line.indexOf(":");
  if (colon === -1) throw new HtpasswdError(lineNumber, "there is no colon");
  const name = line.slice(0, colon);
  if (name === "" || Buffer.byteLength(name) > maxNameBytes || /[\p{Cc}\ufeff]/u.test(name))
    throw new HtpasswdError(lineNumber, `a user's name has 1 to ${maxNameBytes} bytes and no control characters`);
  return { name, hash: parseHash(line.slice(colon + 1).trimEnd(), lineNumber) };
}

function parseHash(text: string, lineNumber: number): HtpasswdHash {
  if (text === "") throw new HtpasswdError(lineNumber, "there is no password behind the colon");
  const hash = parseBcrypt(text, lineNumber) ?? parseApr1(text) ?? parseSha1(text) ?? parseShaCrypt(text, lineNumber);
  if (hash !== undefined) return hash;
  // Not quoted: it may be a password in plain text.
  throw new HtpasswdError(
    lineNumber,
    "the password is in no form that dozo reads (bcrypt, and with a warning $apr1$, {SHA}, $5$ and $6$); " +
      "make it anew with: htpasswd -B -C 10",
  );
}

function parseBcrypt(text: string, lineNumber: number): HtpasswdHash | undefined {
  const match = /^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$/.exec(text);
  if (match === null) return undefined;
  const cost = Number(match[1]);
  if (cost < bcryptCosts.lowest || cost > bcryptCosts.highest)
    throw new HtpasswdError(lineNumber, `bcrypt with cost ${cost}; 4 to 14 are possible`);
  return { scheme: "bcrypt", text, cost };
}

function parseApr1(text: string): HtpasswdHash | undefined {
  const match = /^\$apr1\$([^$:]{1,8})\$([./0-9A-Za-z]{22})$/.exec(text);
  const [, salt, encoded] = match ?? [];
  return salt === undefined || encoded === undefined ? undefined : { scheme: "apr1", text, salt, encoded };
}

function parseSha1(text: string): HtpasswdHash | undefined {
  return /^\{SHA\}[A-Za-z0-9+/]{27}=$/.test(text) ? { scheme: "sha1", text } : undefined;
}

function parseShaCrypt(text: string, lineNumber: number): HtpasswdHash | undefined {
  const match = /^\$([56])\$(?:rounds=([0-9]{1,10})\$)?([^$:]{0,16})\$([./0-9A-Za-z]+)$/.exec(text);
  const [, id, given, salt, encoded] = match ?? [];
  if (salt === undefined || encoded === undefined || encoded.length !== (id === "5" ? 43 : 86)) return undefined;
  // The specification raises what is below 1000 to it.
  const rounds = Math.max(1000, given === undefined ? 5000 : Number(given));
  if (rounds > maxShaRounds)
    throw new HtpasswdError(lineNumber, `${rounds} rounds of SHA; up to ${maxShaRounds} are possible`);
  return { scheme: id === "5" ? "sha256" : "sha512", text, salt, rounds, encoded };
}
