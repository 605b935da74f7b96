import { describeCertificate, plainFingerprint } from "../pki/certificate.ts";
import type { RegistryIdentity } from "./identity.ts";
import { enrolmentLine } from "./line.ts";
import { command, link, type Page, page, paragraph, type Part, title } from "./page.ts";
import { powershellLine } from "./powershell.ts";

/**
 * What a stranger learns at `/`: what this is, the certificate authority's fingerprint, and the way in. Without an identity (no
 * TLS, or the start is not over) only what it is.
 */
export function frontPage(identity: RegistryIdentity | undefined): Page {
  if (identity === undefined)
    return page("dozo", [
      paragraph("This is a container registry. Log in with docker login and the address you came by."),
    ]);
  const { registry } = identity;
  return page("dozo", [
    paragraph(`This is the container registry ${registry}. What is in it is shown after a login only.`),
    title("Use it from a machine"),
    link("/enroll", "Enrol the machine, once", "so that it trusts this registry and logs in"),
    paragraph("From then on:"),
    command(`docker login ${registry}`),
    command(`docker push ${registry}/IMAGE`),
    command(`docker pull ${registry}/IMAGE`),
    link("/keys", "Your access keys", "passwords for single machines, which can be taken back alone"),
    ...authority(identity),
  ]);
}

/**
 * How a machine is enrolled, for somebody who cannot yet tell whose page this is. The line to paste is in it only where the
 * visitor's own trust vouches for the page: it is worth no more than the page that it stands in.
 */
export function enrolPage(identity: RegistryIdentity): Page {
  if (identity.caPem === undefined) return linePage(identity);
  return page("Enrol a machine", [
    paragraph(
      "Your browser cannot tell yet whether this page comes from the registry: anybody on the way could show you one that looks the same. So the line to paste is not here.",
    ),
    title("Take the line from the server"),
    paragraph("Whoever runs the registry prints it there, and can send it to you:"),
    command("dozo enroll"),
    title("Or compare"),
    paragraph(
      "The registry's certificate authority, by its SHA-256 fingerprint. The server itself prints it with: dozo ca show",
    ),
    ...authority(identity),
    paragraph("The file is right when this shows, on your machine, the fingerprint that the server prints:"),
    command("openssl x509 -in ca.crt -outform DER | openssl dgst -sha256"),
    title("Or log in"),
    paragraph(
      "Once your browser shows this page without a warning (it trusts the certificate authority), and only then, the line is behind a login:",
    ),
    link("/enroll/line", "Show the line", ""),
  ]);
}

/** The line, for somebody who knows whose page this is. */
export function linePage(identity: RegistryIdentity): Page {
  const { registry } = identity;
  return page("Enrol a machine", [
    paragraph(`On Linux, macOS, FreeBSD or WSL, this line makes the machine trust ${registry} and logs in:`),
    command(enrolmentLine(identity)),
    paragraph(
      "With --dry-run behind it, it shows every file that it would write and writes none; with --undo it takes all of it back.",
    ),
    paragraph("On Windows, in PowerShell (-DryRun and -Undo):"),
    command(powershellLine(identity)),
    ...authority(identity),
  ]);
}

function authority({ caPem }: RegistryIdentity): readonly Part[] {
  if (caPem === undefined) return [];
  const certificates = caPem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  return [
    paragraph(
      certificates.length > 1
        ? "Certificate authorities (SHA-256), one of them to come:"
        : "Certificate authority (SHA-256):",
    ),
    ...certificates.map((pem) => command(plainFingerprint(describeCertificate(pem).fingerprint))),
    link("/ca.crt", "Its certificate", "to be trusted after it was compared"),
  ];
}
