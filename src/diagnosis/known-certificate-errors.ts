import { firstGroup, type KnownError, nameOf } from "./known-error.ts";

// A name or an address in a certificate, and nothing that a shell could take for more.
const name = String.raw`([A-Za-z0-9_][A-Za-z0-9_.:-]*[A-Za-z0-9_])`;

/** What is wrong with the certificate itself, or with the clock that judges it. */
export const knownCertificateErrors: readonly KnownError[] = [
  {
    id: "no-address-in-certificate",
    pattern: new RegExp(
      `cannot validate certificate for ${name} because it doesn't contain any IP SANs|No subject alternative names matching IP address ${name} found`,
    ),
    explain: (_, match) => {
      const address = firstGroup(match) ?? "ADDRESS";
      return {
        what: `The certificate is for names, and the client called the server by its address ${address}.`,
        why: "A client accepts an address only where the certificate has that address.",
        fix: `on the server: dozo cert add-name ${address} (or use the name in place of the address)`,
      };
    },
  },
  {
    id: "name-not-in-certificate",
    pattern: new RegExp(
      [
        `certificate is valid for .+?, not ${name}`,
        `no alternative certificate subject name matches target host name '${name}'`,
        `certificate is not valid for '${name}'`,
        `Host: ${name}\\.? is not in the cert's altnames`,
        `No (?:name|subject alternative DNS name) matching ${name} found`,
        `certificate not valid for name "${name}"`,
        `certificate's owner does not match hostname ‘${name}’`,
        "invalid peer certificate: NotValidForName",
        String.raw`\bERR_CERT_COMMON_NAME_INVALID\b`,
        String.raw`\bSSL_ERROR_BAD_CERT_DOMAIN\b`,
      ].join("|"),
    ),
    explain: (line, match) => {
      const wanted = firstGroup(match) ?? line.registry?.replace(/:\d+$/, "") ?? "NAME";
      const names = /certificate is valid for (.{1,200}?), not /.exec(line.text)?.[1];
      return {
        what: `The certificate is not for ${wanted}${names === undefined ? "" : `, only for ${names}`}.`,
        why: "A client accepts a certificate only for the name by which it called the server. Where dozo never had those names, another server (or a proxy) answered.",
        fix: `on the server: dozo cert add-name ${wanted}`,
      };
    },
  },
  {
    id: "common-name-only",
    pattern: /relies on legacy Common Name field/,
    explain: (line) => ({
      what: `The certificate of ${nameOf(line)} has its name only in the subject, where nobody looks any more.`,
      why: "Go's programs, Docker among them, want subject alternative names. dozo's own certificates have them: this one was given to dozo, or another server answers.",
      fix: "have the certificate issued again with subject alternative names, or take its files out of dozo's settings: dozo then makes its own",
    }),
  },
  {
    id: "name-outside-constraints",
    pattern:
      /is not permitted by any constraint|\bpermitted subtree violation\b|name constraints|Subject alternative name .* not within/i,
    explain: (line) => ({
      what: `The certificate of ${nameOf(line)} is for a name that its authority may not certify.`,
      why: "dozo's authority may sign only for the names and domains that it was made for, and every client checks that. dozo signs nothing else, so somebody else did, with a stolen key or by mistake.",
      fix: "on the server: dozo cert show (the names in it are the permitted ones); where they differ from what the client saw, find out who answered it",
    }),
  },
  {
    id: "address-constraints-not-supported",
    pattern: /unsupported name constraint type|\bUNSUPPORTED_CONSTRAINT_TYPE\b/,
    explain: (line) => ({
      what: `This client cannot judge the certificate of ${nameOf(line)}.`,
      why: "dozo's authority is limited to names and addresses, and programs with BoringSSL (Bun, Envoy, gRPC) understand no limits of addresses.",
      fix: "use another client, or a certificate for names alone (tls.certificate in the settings)",
    }),
  },
  {
    id: "certificate-not-yet-valid",
    pattern:
      /x509: certificate has expired or is not yet valid: current time (\S+) is before (\S+)|certificate is not yet valid|\bCERT_NOT_YET_VALID\b|CertificateNotYetValid|invalid peer certificate: NotValidYet/,
    covers: ["certificate-expired"],
    explain: (line, [, now, begin]) => ({
      what: `The certificate of ${nameOf(line)} is not valid yet${begin === undefined ? "" : `: it begins at ${begin}, and the client's clock says ${now ?? ""}`}.`,
      why: "dozo's certificates begin an hour before they are made, so one of the two clocks is wrong by more than that.",
      fix: "on both machines: date -u; on the one that is wrong: sudo timedatectl set-ntp true",
    }),
  },
  {
    id: "certificate-expired",
    pattern:
      /certificate has expired|\bCERT_HAS_EXPIRED\b|CertificateExpiredException|invalid peer certificate: Expired|\bERR_CERT_DATE_INVALID\b|\bSEC_ERROR_EXPIRED_CERTIFICATE\b/i,
    explain: (line) => {
      const [, now, end] = /current time (\S+) is after (\S+)/.exec(line.text) ?? [];
      return {
        what: `The certificate of ${nameOf(line)} has expired${end === undefined ? "" : ` at ${end}, and the client's clock says ${now ?? ""}`}.`,
        why: "dozo renews its certificate a month before; it did not run for that long, its files come from somebody else, or one of the two clocks is wrong.",
        fix: "on both machines: date -u; where they agree, on the server: dozo cert renew",
      };
    },
  },
  {
    id: "not-standards-compliant",
    pattern: /certificate is not standards compliant/,
    explain: (line) => ({
      what: `macOS refuses the form of the certificate of ${nameOf(line)}.`,
      why: "It accepts 825 days at most, with subject alternative names and for servers (extended key usage). dozo's own certificates are like that: this one was given to dozo, or another server answers.",
      fix: "on the server: dozo cert renew; a certificate that was given to dozo has to be issued again",
    }),
  },
];
