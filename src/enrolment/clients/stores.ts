import { type ClientKind, certificateFile, none } from "../client-kind.ts";
import { type RegistryIdentity, trustName } from "../identity.ts";

const goTrap =
  "Programs read the store when they start: restart dockerd, containerd, CRI-O, k3s and buildkitd after a change.";
const scopeTrap =
  "The whole system trusts it then. The certificate authority of this registry can sign for its own names and private addresses only, and that limit stands in its certificates.";
const storeOrder = {
  claim: "Which folder belongs to which system, and in which order to look",
  url: "https://github.com/FiloSottile/mkcert/blob/master/truststore_linux.go",
};

function tryIt(registry: string): readonly string[] {
  return [`curl -u USER https://${registry}/v2/`];
}

interface StoreFacts {
  readonly id: string;
  readonly name: string;
  readonly folder: string;
  readonly ending: "crt" | "pem";
  readonly command: string;
  readonly undoCommand?: string;
  readonly remarks: readonly string[];
  readonly sources: ClientKind["sources"];
}

/** A system whose store is a folder and a command that reads it. */
function folderStore({
  id,
  name,
  folder,
  ending,
  command,
  undoCommand = command,
  remarks,
  sources,
}: StoreFacts): ClientKind {
  return {
    id,
    name,
    connects:
      "every program that asks the system whom to trust: curl, git, Go programs (crane, helm, docker build's tokens)",
    broughtBy: ["sh"],
    presence: { programs: [], paths: () => [folder] },
    files: (registry) => certificateFile(registry, { path: `${folder}/${trustName(registry.registry)}.${ending}` }),
    apply: () => [`sudo ${command}`],
    restart: "daemons that run already, where they are to trust it by the system's store",
    login: none,
    credentials: "each program's own",
    use: tryIt,
    undo: () => [`sudo ${undoCommand}`],
    remarks: [...remarks, goTrap, scopeTrap],
    sources: [storeOrder, ...sources],
  };
}

/** Debian, Ubuntu and what comes of them. */
export const debian = folderStore({
  id: "debian",
  name: "System store: Debian, Ubuntu",
  folder: "/usr/local/share/ca-certificates",
  ending: "crt",
  command: "update-ca-certificates",
  undoCommand: "update-ca-certificates --fresh",
  remarks: ["The ending is .crt, the text is PEM, and one file holds one certificate."],
  sources: [
    { claim: "Folder, ending, one certificate per file", url: "https://manpages.debian.org/update-ca-certificates.8" },
  ],
});

/** Alpine. */
export const alpine = folderStore({
  id: "alpine",
  name: "System store: Alpine",
  folder: "/usr/local/share/ca-certificates",
  ending: "crt",
  command: "update-ca-certificates",
  remarks: ["The command is in the package ca-certificates: `apk add ca-certificates`."],
  sources: [
    { claim: "update-ca-certificates of Alpine", url: "https://gitlab.alpinelinux.org/alpine/ca-certificates" },
  ],
});

/** Red Hat and its relatives. */
export const rhel = folderStore({
  id: "rhel",
  name: "System store: RHEL, Fedora, Rocky, Amazon Linux",
  folder: "/etc/pki/ca-trust/source/anchors",
  ending: "pem",
  command: "update-ca-trust",
  remarks: ["Java's store is made of this one too."],
  sources: [{ claim: "Folder and command", url: "https://www.mankier.com/8/update-ca-trust" }],
});

/** Arch. */
export const arch = folderStore({
  id: "arch",
  name: "System store: Arch",
  folder: "/etc/ca-certificates/trust-source/anchors",
  ending: "crt",
  command: "update-ca-trust",
  remarks: [],
  sources: [{ claim: "Folder and command", url: "https://man.archlinux.org/man/update-ca-trust.8" }],
});

/** openSUSE and SLES. */
export const suse = folderStore({
  id: "suse",
  name: "System store: openSUSE, SLES",
  folder: "/etc/pki/trust/anchors",
  ending: "pem",
  command: "update-ca-certificates",
  remarks: ["/usr/share/pki/trust/anchors is for packages, /etc/pki/trust/anchors for you."],
  sources: [{ claim: "Folder and command", url: "https://github.com/openSUSE/ca-certificates/blob/master/README" }],
});

/** FreeBSD. */
export const freebsd = folderStore({
  id: "freebsd",
  name: "System store: FreeBSD",
  folder: "/usr/local/etc/ssl/certs",
  ending: "pem",
  command: "certctl rehash",
  remarks: [
    "The folders of podman and Docker are below /usr/local/etc here.",
    "From the rewriting of certctl in C until May 2026, rehash kept trusting what was removed: there `certctl untrust FILE` first.",
  ],
  sources: [
    { claim: "TRUSTPATH and rehash", url: "https://man.freebsd.org/cgi/man.cgi?query=certctl&sektion=8" },
    {
      claim: "What was removed stayed trusted",
      url: "https://cgit.freebsd.org/src/commit/?id=2fef18ff594328a771b6aa659e8ffa5a7e076540",
    },
  ],
});

/** NixOS: nothing is written by others, the configuration is the person's. */
export const nixos: ClientKind = {
  ...debian,
  id: "nixos",
  name: "System store: NixOS",
  broughtBy: ["hand"],
  presence: { programs: ["nixos-rebuild"], paths: () => ["/etc/NIXOS"] },
  files: (registry) =>
    registry.caPem === undefined
      ? []
      : [
          ...certificateFile(registry, { path: `/etc/nixos/${trustName(registry.registry)}.crt` }),
          { place: "machine", path: "/etc/nixos/configuration.nix", text: nixModule(registry), ownership: "shared" },
        ],
  apply: () => ["sudo nixos-rebuild switch"],
  undo: () => ["sudo nixos-rebuild switch"],
  remarks: ["`dozo enroll` prints the lines; it changes no configuration of NixOS.", goTrap, scopeTrap],
  sources: [
    {
      claim: "security.pki.certificateFiles",
      url: "https://search.nixos.org/options?query=security.pki.certificateFiles",
    },
    { claim: "environment.etc", url: "https://search.nixos.org/options?query=environment.etc" },
  ],
};

function nixModule({ registry, spellings }: RegistryIdentity): string {
  const file = `./${trustName(registry)}.crt`;
  const links = spellings.map(
    (spelling) => `  environment.etc."docker/certs.d/${spelling}/ca.crt".source = ${file};\n`,
  );
  return `{\n  security.pki.certificateFiles = [ ${file} ];\n${links.join("")}}\n`;
}

/** macOS. */
export const macos: ClientKind = {
  id: "macos",
  name: "System store: macOS",
  connects:
    "every program that asks macOS whom to trust: docker build's tokens, helm, crane and other Go programs, browsers",
  broughtBy: ["sh"],
  presence: { programs: ["security"], paths: () => ["/Library/Keychains/System.keychain"] },
  files: (registry) => certificateFile(registry, { path: "ca.crt", place: "workspace" }),
  apply: () => ["security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db ca.crt"],
  restart: "Docker Desktop and OrbStack: they take the keychain over when they start",
  login: none,
  credentials: "each program's own",
  use: tryIt,
  undo: () => [
    "security remove-trusted-cert ca.crt",
    "security delete-certificate -Z FINGERPRINT ~/Library/Keychains/login.keychain-db",
  ],
  remarks: [
    "macOS asks in a window. For everybody on the machine: `sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ca.crt`.",
    "Over SSH, macOS may refuse (`The authorization was denied since no user interaction was possible`): type it at the machine.",
    "remove-trusted-cert ends the trust, delete-certificate takes the certificate itself out; `dozo ca show` has the fingerprint.",
    scopeTrap,
  ],
  sources: [
    {
      claim: "add-trusted-cert as Docker documents it",
      url: "https://github.com/docker/docs/blob/main/content/manuals/desktop/troubleshoot-and-support/faqs/macfaqs.md",
    },
    {
      claim: "add-trusted-cert, remove-trusted-cert",
      url: "https://github.com/FiloSottile/mkcert/blob/master/truststore_darwin.go",
    },
  ],
};

/** Windows. */
export const windows: ClientKind = {
  id: "windows",
  name: "System store: Windows",
  connects:
    "every program that asks Windows whom to trust: Docker Desktop, helm, crane and other Go programs, browsers, PowerShell",
  broughtBy: ["powershell"],
  presence: { programs: ["certutil.exe"], paths: () => ["C:\\Windows\\System32\\certutil.exe"] },
  files: (registry) => certificateFile(registry, { path: "ca.crt", place: "workspace" }),
  apply: () => [
    "Import-Certificate -FilePath ca.crt -CertStoreLocation Cert:\\LocalMachine\\Root   # in an elevated PowerShell",
  ],
  restart: "Docker Desktop: it takes the store over when it starts",
  login: none,
  credentials: "each program's own",
  use: (registry) => [`Invoke-WebRequest https://${registry}/v2/ -Credential USER -UseBasicParsing`],
  undo: () => ['Remove-Item "Cert:\\LocalMachine\\Root\\$((Get-PfxCertificate ca.crt).Thumbprint)"'],
  remarks: [
    "For yourself alone: Cert:\\CurrentUser\\Root, without elevation; Windows asks in a window.",
    "Without PowerShell: `certutil -addstore -f Root ca.crt`, and `certutil -delstore Root THUMBPRINT`.",
    scopeTrap,
  ],
  sources: [
    { claim: "Import-Certificate", url: "https://learn.microsoft.com/en-us/powershell/module/pki/import-certificate" },
    {
      claim: "certutil -addstore and -delstore",
      url: "https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/certutil",
    },
  ],
};
