import type { ErrorLine } from "./error-line.ts";
import { type KnownError, nameOf, placeOf } from "./known-error.ts";
import { trustStep } from "./trust-step.ts";

const whereCaIs =
  "ca.crt is what dozo ca show --pem prints on the server, where dozo enroll prints one line that does all of it.";

/** What a client says that does not trust the authority, or was told of it in the wrong way. */
export const knownTrustErrors: readonly KnownError[] = [
  {
    id: "token-request-not-trusted",
    pattern:
      /failed to fetch (?:oauth|anonymous) token.*(?:unknown authority|certificate is not (?:trusted|standards compliant))/,
    covers: ["unknown-authority"],
    explain: (line) => ({
      what: `The client trusts ${nameOf(line)} for images, and not for the token that it fetches there.`,
      why:
        line.client === "docker-build"
          ? `docker build fetches tokens in the command's own process, which knows only the system's store, never certs.d. ${whereCaIs}`
          : `Docker 28 to 29.4 with the containerd store does not read certs.d for tokens: update it to 29.5 or later, or let the system's store have the certificate and restart Docker. ${whereCaIs}`,
      fix: `${trustStep(line.client === "macos" ? "macos" : "curl", placeOf(line)).fix}${line.client === "docker" ? " && sudo systemctl restart docker" : ""}`,
    }),
  },
  {
    id: "ca-saved-as-client-certificate",
    pattern:
      /missing key (\S+) for client certificate ([\w.-]+\w)|failed to load X509 key pair: tls: found a certificate rather than a key/,
    explain: (line, [, , file = "ca.cert"]) => {
      const folder = `${certificatesFolder(line)}/${placeOf(line)}`;
      return {
        what: `The certificate authority was saved as ${file}, and that ending is for a client's own certificate.`,
        why: "In those folders .crt is an authority to trust, and .cert with .key is what the client shows of itself.",
        fix: `sudo mv ${folder}/${file} ${folder}/${file.replace(/\.cert$/, ".crt")}`,
      };
    },
  },
  {
    id: "unknown-authority",
    pattern: new RegExp(
      [
        "certificate signed by unknown authority",
        "certificate is not trusted",
        "unable to get local issuer certificate",
        "unable to verify the first certificate",
        "self[- ]signed certificate",
        "server certificate verification failed",
        "The certificate of ‘.*’ is not trusted",
        "PKIX path building failed",
        "trustAnchors parameter must be non-empty",
        "invalid (?:peer )?certificate:? .*UnknownIssuer",
        String.raw`\b(?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT)\b`,
        String.raw`\b(?:SEC_ERROR_UNKNOWN_ISSUER|MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT|ERR_CERT_AUTHORITY_INVALID)\b`,
        String.raw`\bcurl: \(60\)(?!.*(?:expired|subject name|not yet|subtree))`,
      ].join("|"),
    ),
    explain: (line) => {
      const { process, fix, remark } = trustStep(line.client, placeOf(line));
      const enrol =
        line.client === "kubernetes" ? "dozo enroll kubernetes prints what" : "dozo enroll prints one line that";
      return {
        what: `The certificate of ${nameOf(line)} is signed by an authority that ${process} does not trust.`,
        why: `It has to know the registry's own authority. ${remark}`,
        fix: `on the server: ${enrol} does all of it; by hand, with the ca.crt that dozo ca show --pem prints there: ${fix}`,
      };
    },
  },
  {
    id: "client-certificate-demanded",
    pattern:
      /remote error: tls: (?:certificate required|bad certificate)|\bERR_BAD_SSL_CLIENT_AUTH_CERT\b|alert certificate required/,
    explain: (line) => ({
      what: `${line.registry ?? "The registry"} demands a certificate of the client, and got none that it knows.`,
      why: "That listener lets in only clients that show one: client.cert and client.key beside ca.crt.",
      fix: `on the server: dozo cert issue --client USER; on the client: client.cert and client.key into ${certificatesFolder(line)}/${placeOf(line)}`,
    }),
  },
  {
    id: "skips-verification",
    severity: "warning",
    pattern:
      /--insecure-registry|\binsecure-registries\b|\bskipping verifying HTTPS\b|--tls-verify=false|\binsecure_skip_verify\b|\bskip_verify\b/,
    explain: (line) => {
      const { fix } = trustStep(line.client, placeOf(line));
      return {
        what: "The verification of certificates is switched off, or the text advises it.",
        why: `Passwords then go to whoever answers; Docker 29 with the containerd store ignores insecure-registries besides. ${whereCaIs}`,
        fix,
      };
    },
  },
];

function certificatesFolder(line: ErrorLine): string {
  if (["podman", "buildah", "skopeo"].includes(line.client)) return "/etc/containers/certs.d";
  return ["containerd", "nerdctl", "kubernetes"].includes(line.client)
    ? "/etc/containerd/certs.d"
    : "/etc/docker/certs.d";
}
