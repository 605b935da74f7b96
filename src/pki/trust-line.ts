import { describeCertificate, plainFingerprint } from "./certificate.ts";

export interface TrustLineOptions {
  /** As the client writes it before the repository: `NAME` or `NAME:PORT`. */
  readonly registry: string;
  /** The certificate that `/ca.crt` answers. */
  readonly caPem: string;
  /** Where the client's container tools look for certificates of single registries. */
  readonly certificatesFolder?: string;
}

const mismatch = "this is not the registry the line came from: copy it again from its banner";

/**
 * One line for a POSIX shell that makes Docker, podman, skopeo and buildah on that machine trust this registry, and nothing else
 * there. It fetches the certificate without trusting the connection (there is nothing yet to trust it by), and installs it only
 * if its fingerprint is the one in the line. What is installed is made anew from the very bytes that the fingerprint was taken
 * of, so nothing that was added around them comes along. Whatever fails before leaves no file and no folder.
 *
 * Needs curl, sed and the coreutils (busybox will do), and sudo where the user is not root. Throws for a registry that is no host and port.
 */
export function trustLine({ registry, caPem, certificatesFolder = "/etc/docker/certs.d" }: TrustLineOptions): string {
  // Nothing that a shell, curl or a path could take for more than a name gets into the line.
  if (
    !/^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*)|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/.test(registry) ||
    registry.includes("..")
  )
    throw new Error(`${registry} is not HOST or HOST:PORT`);
  const folder = `${certificatesFolder}/${registry}`;
  const fingerprint = plainFingerprint(describeCertificate(caPem).fingerprint);
  const script = [
    "set -e",
    `p=$(curl -gfsSk "https://${registry}/ca.crt")`,
    `b=$(echo "$p" | sed /-----/d | base64 -d 2>/dev/null | base64)`,
    `[ "$(echo "$b" | base64 -d | sha256sum)" = "${fingerprint}  -" ] || { echo "${mismatch}" >&2; exit 1; }`,
    "umask 22",
    `d="${folder}"`,
    'mkdir -p "$d"',
    `printf "%s\\n" "-----BEGIN CERTIFICATE-----" "$b" "-----END CERTIFICATE-----" >"$d/ca.crt"`,
    `echo "trusted: ${registry}"`,
  ].join("; ");
  return `$([ $(id -u) = 0 ] || echo sudo) sh -c '${script}'`;
}
