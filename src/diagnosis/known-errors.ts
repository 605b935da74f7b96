import type { ErrorLine } from "./error-line.ts";
import type { Finding } from "./finding.ts";

/** An error text that clients of registries are known to print, and what it means. */
export interface KnownError {
  readonly id: string;
  readonly pattern: RegExp;
  readonly explain: (line: ErrorLine, match: RegExpExecArray) => Omit<Finding, "id" | "severity">;
}

/** Every text that is recognised, the more specific before the more general. */
export const knownErrors: readonly KnownError[] = [
  {
    id: "name-not-in-certificate",
    pattern: /certificate is valid for (.+?), not ([^\s"':]+)/,
    explain: (_, [, names, wanted = ""]) => ({
      what: `The certificate is for ${names}, and the client asked for ${wanted}.`,
      why: "A client accepts a certificate only for the name or address by which it called the server.",
      fix: `restart the server with the name added: dozo up --host ${wanted}`,
    }),
  },
  {
    id: "unknown-authority",
    pattern: /x509: certificate signed by unknown authority/,
    explain: (line) => ({
      what: `The certificate of ${line.registry ?? "the registry"} was signed by an authority that the client does not trust.`,
      why: "The registry's own certificate authority is not known on that machine; ca.crt is what dozo ca show --pem prints on the server.",
      fix: `sudo install -D -m 644 ca.crt /etc/docker/certs.d/${line.registry ?? "HOST:PORT"}/ca.crt`,
    }),
  },
  {
    id: "not-logged-in",
    pattern: /no basic auth credentials/,
    explain: (line) => ({
      what: `The client has no login for ${line.registry ?? "the registry"}.`,
      why: "Logins are kept under the registry's exact spelling, and for each user of the machine: sudo has its own.",
      fix: `${line.client === "podman" ? "podman" : "docker"} login ${line.registry ?? "HOST:PORT"}`,
    }),
  },
];
