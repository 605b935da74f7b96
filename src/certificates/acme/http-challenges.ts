import type { Challenge } from "./acme-messages.ts";
import type { ChallengeProver } from "./acme-order.ts";

export interface HttpChallengesOptions {
  /** Names that a redirect may lead to; for any other the first one is taken. */
  readonly names: readonly string[];
  /** Where the registry speaks TLS. */
  readonly httpsPort: () => number;
}

const path = "/.well-known/acme-challenge/";

/**
 * The plain port 80 that `http-01` needs (RFC 8555 section 8.3). It answers the authority, sends browsers on to the registry, and does
 * nothing else: whatever is sent to it was readable on the way.
 */
export class HttpChallenges implements ChallengeProver {
  readonly type = "http-01";
  readonly #options: HttpChallengesOptions;
  readonly #values = new Map<string, string>();

  constructor(options: HttpChallengesOptions) {
    this.#options = options;
  }

  async putUp({ token, value }: Challenge): Promise<void> {
    this.#values.set(token, value);
  }

  async takeDown({ token }: Challenge): Promise<void> {
    this.#values.delete(token);
  }

  /** Answers one request; never throws. */
  handle(request: Request): Response {
    if (request.method !== "GET" && request.method !== "HEAD")
      return text(405, "this port only leads to https\n", { allow: "GET, HEAD" });
    const target = URL.parse(request.url);
    // The runtime hands over what is no address where it cannot read the Host.
    if (target === null) return text(400, "the Host header cannot be read\n");
    const { pathname, search, hostname } = target;
    if (pathname.startsWith(path)) {
      const value = this.#values.get(pathname.slice(path.length));
      return value === undefined ? text(404, "no such challenge\n") : text(200, value);
    }
    const { names, httpsPort } = this.#options;
    const plain = names.filter((name) => !name.startsWith("*."));
    const name = plain.find((each) => each === hostname) ?? plain[0];
    if (name === undefined) return text(404, "this port only answers ACME\n");
    const port = httpsPort();
    const location = `https://${name}${port === 443 ? "" : `:${port}`}${pathname}${search}`;
    return text(308, `${location}\n`, { location });
  }
}

function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Response {
  const common = { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" };
  return new Response(body, { status, headers: { ...common, "cache-control": "no-store", ...headers } });
}
