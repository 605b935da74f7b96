import type { Finding } from "./finding.ts";
import { shellWord } from "./shell-word.ts";

// What is wrong with the files by which clients trust a registry. `registry` is written as in image names.

const enrol = "on the server dozo enroll prints the line that puts it right";

/** No file of this machine leads to the certificate's CA. */
export function nothingTrusts({
  registry,
  client,
  file,
}: Readonly<Record<"registry" | "client" | "file", string>>): Finding {
  return {
    id: "unknown-authority",
    severity: "error",
    what: `${client} does not trust the certificate of ${registry}.`,
    why: 'It refuses the registry: "certificate signed by unknown authority".',
    fix: `${enrol}; it writes the CA's certificate to ${file}`,
  };
}

/** A file is there, with another CA in it. */
export function wrongCa({ registry, file, holds }: Readonly<Record<"registry" | "file" | "holds", string>>): Finding {
  return {
    id: "ca-wrong",
    severity: "error",
    what: `${file} holds ${holds}, which did not sign the certificate of ${registry}.`,
    why: "The registry was set up anew, or the file is another registry's: clients that read it refuse the registry.",
    fix: `${enrol}; compare the fingerprint with: openssl x509 -in ${shellWord(file)} -noout -fingerprint -sha256`,
  };
}

/** What is in the file is no certificate. */
export function noCertificate({ file }: { readonly file: string }): Finding {
  return {
    id: "ca-not-a-certificate",
    severity: "error",
    what: `${file} holds no certificate in PEM.`,
    why: "A page of an error or another format was saved there, and clients skip it or stop.",
    fix: `${enrol}; a file in DER becomes PEM with: openssl x509 -inform der -in ${shellWord(file)} -out ${shellWord(file)}`,
  };
}

/** The clients' processes cannot open it. */
export function caUnreadable({ file }: { readonly file: string }): Finding {
  return {
    id: "ca-unreadable",
    severity: "error",
    what: `${file} may not be read by everybody who has to.`,
    why: "Podman, skopeo and other clients run as the person and stop at it (permission denied).",
    fix: `sudo chmod a+rX ${shellWord(file)} and the folders above it`,
  };
}

/** A CA saved under the ending of client certificates. */
export function wrongEnding({ file, right }: { readonly file: string; readonly right: string }): Finding {
  return {
    id: "ca-wrong-ending",
    severity: "error",
    what: `${file} ends in .cert, which means a client's own certificate.`,
    why: 'Clients look for its key and stop: "missing key … for client certificate".',
    fix: `sudo mv ${shellWord(file)} ${shellWord(right)}`,
  };
}

/** A client's certificate without its key. */
export function clientKeyMissing({ file, key }: { readonly file: string; readonly key: string }): Finding {
  return {
    id: "client-key-missing",
    severity: "error",
    what: `Beside the client certificate ${file} there is no ${key}.`,
    why: 'Clients stop at it: "missing key … for client certificate".',
    fix: `put the key there, or remove the certificate: sudo rm ${shellWord(file)}`,
  };
}

/** The folder is named for another spelling of the registry than image names have. */
export function wrongFolder({
  folder,
  right,
  registry,
}: Readonly<Record<"folder" | "right" | "registry", string>>): Finding {
  return {
    id: "ca-wrong-folder",
    severity: "error",
    what: `${folder} is not the folder of ${registry}.`,
    why: `The folder has to be called exactly what stands before the first slash of image names, with the same port.`,
    fix: `sudo mv ${shellWord(folder)} ${shellWord(right)}`,
  };
}

/** The CA is there for another port of the same host, which may well be a listener of its own. */
export function otherPortTrusted({
  file,
  right,
  registry,
}: Readonly<Record<"file" | "right" | "registry", string>>): Finding {
  return {
    id: "ca-other-port",
    severity: "error",
    what: `${file} holds the CA of ${registry}, for another port of that host.`,
    why: "Each port has a folder of its own; that one may serve a listener that works, and stays as it is.",
    fix: `sudo install -D -m 644 ${shellWord(file)} ${shellWord(right)}`,
  };
}

/** A folder that podman finds first and that does not have the CA. */
export function podmanShadowed({ folder, hidden }: { readonly folder: string; readonly hidden: string }): Finding {
  return {
    id: "podman-shadowed",
    severity: "error",
    what: `${folder} hides ${hidden} from podman, buildah and skopeo.`,
    why: "They read the first folder that exists and no other, and this one does not hold the registry's CA.",
    fix: `rm -r ${shellWord(folder)}, or: cp ${shellWord(hidden)}/ca.crt ${shellWord(folder)}/`,
  };
}

/** A hosts.toml that takes the place of the files beside it and names no CA. */
export function hostsTomlWithoutCa({ file, ca }: { readonly file: string; readonly ca: string }): Finding {
  return {
    id: "hosts-toml-without-ca",
    severity: "error",
    what: `${file} names no ca for the registry.`,
    why: "Where there is a hosts.toml, containerd does not look at the certificates beside it.",
    fix: `add under its [host."https://…"]: ca = "${ca}"; or remove ${file}, if that is all it is for`,
  };
}

/** A configuration that containerd 2.1 and later read as one folder with a colon in its name. */
export function configPathColon({ file, value }: { readonly file: string; readonly value: string }): Finding {
  return {
    id: "containerd-config-path-colon",
    severity: "error",
    what: `Containerd's config_path is two folders with a colon (${value}).`,
    why: "From 2.1 on it takes the whole for one path, finds nothing there, and says nothing about it.",
    fix: `in ${file} set config_path = "/etc/containerd/certs.d", then: sudo systemctl restart containerd`,
  };
}

/** Nothing tells the part of containerd that serves Kubernetes where to look. */
export function configPathMissing({ file }: { readonly file: string }): Finding {
  return {
    id: "containerd-config-path-missing",
    severity: "warning",
    what: `Containerd's configuration ${file} has no config_path.`,
    why: "Pods' images are pulled without the files in /etc/containerd/certs.d; ctr and nerdctl have options of their own.",
    fix: `in ${file} set config_path = "/etc/containerd/certs.d" in the registry section, then: sudo systemctl restart containerd`,
  };
}

/** Somebody switched verification off. */
export function insecureRegistry({
  registry,
  file,
  client,
}: Readonly<Record<"registry" | "file" | "client", string>>): Finding {
  return {
    id: "insecure-registry",
    severity: "warning",
    what: `${file} lists ${registry} as insecure for ${client}.`,
    why: "Whoever is on the way can read passwords and exchange images; with the containerd store Docker ignores it anyway.",
    fix: `take ${registry} out of ${file} and restart the client; ${enrol}`,
  };
}

/** A daemon that read the system's store before the CA was in it. */
export function daemonOlderThanStore({ daemon }: { readonly daemon: string }): Finding {
  return {
    id: "daemon-older-than-store",
    severity: "error",
    what: `${daemon} runs since before the system's certificate store was changed.`,
    why: "It read the store once, at its start, and does not know the CA that is in it now.",
    fix: `sudo systemctl restart ${daemon}`,
  };
}
