import { createHash } from "node:crypto";

export interface TrustLineOptions {
  /** As the client writes it before the repository: `NAME` or `NAME:PORT`. */
  readonly registry: string;
  /** The text that `/ca.crt` answers, byte for byte. */
  readonly caPem: string;
  /** Where the client's container tools look for certificates of single registries. */
  readonly certificatesFolder?: string;
}

/**
 * One line for a POSIX shell that makes Docker, podman, skopeo and buildah on that machine trust this registry, and nothing else
 * there. It fetches the certificate without trusting the connection (there is nothing yet to trust it by), and installs it only
 * if it is, byte for byte, the one whose SHA-256 stands in the line. Whatever fails before leaves no file and no folder.
 *
 * Needs curl and the coreutils (busybox will do), and sudo where the user is not root. Throws for a registry that is no host and port.
 */
export function trustLine({ registry, caPem, certificatesFolder = "/etc/docker/certs.d" }: TrustLineOptions): string {
  // Nothing that a shell, curl or a path could take for more than a name gets into the line.
  if (
    !/^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*)|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/.test(registry) ||
    registry.includes("..")
  )
    throw new Error(`${registry} is not HOST or HOST:PORT`);
  const digest = createHash("sha256").update(caPem).digest("hex");
  const script = [
    "set -e",
    "f=$(mktemp /tmp/ca.XXXXXX)",
    `trap "rm -f $f" EXIT`,
    `curl -gfsSk "https://${registry}/ca.crt" -o $f`,
    `echo "${digest}  $f" | sha256sum -c >/dev/null`,
    `install -Dm644 $f "${certificatesFolder}/${registry}/ca.crt"`,
  ].join("; ");
  return `$([ $(id -u) = 0 ] || echo sudo) sh -c '${script}'`;
}
