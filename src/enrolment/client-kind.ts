import type { RegistryIdentity } from "./identity.ts";

/** The folders of the person and the machine that paths begin with; in scripts they are that shell's variables. */
export interface Folders {
  /** The home folder. */
  readonly home: string;
  /** `$XDG_CONFIG_HOME`, or `.config` in the home folder. */
  readonly config: string;
  /** `%ProgramData%`, on Windows. */
  readonly programData: string;
}

/** Where a file lies: on the machine that the commands are typed on, on every node of a cluster, or beside the person's own files. */
export type FilePlace = "machine" | "node" | "workspace";

/** One file that makes a client trust a registry. */
export interface TrustFile {
  readonly place: FilePlace;
  /** Absolute, or in the workspace the name alone. */
  readonly path: string;
  readonly text: string;
  /**
   * `own`: the file is ours alone, may be replaced, and goes with undo. `shared`: other things stand in it too; `text` is the
   * whole file where there is none, and what to add where there is one.
   */
  readonly ownership: "own" | "shared";
}

/**
 * Who brings the certificate to where it is needed: the POSIX script, the PowerShell script, the cluster's manifest, or the person.
 * `store`: the POSIX script puts it into the system's store, since the client has no folder of its own.
 */
type Bringer = "sh" | "store" | "powershell" | "kubernetes" | "hand";

/** Where a statement about a client was read. */
interface Source {
  readonly claim: string;
  readonly url: string;
}

/** What shows that this kind of client is on a machine: one of the programs in PATH, or one of the paths. */
interface Presence {
  readonly programs: readonly string[];
  readonly paths: (folders: Folders) => readonly string[];
}

/**
 * All that is known of one kind of client: what it needs to trust a registry's certificate authority, to log in, and how to take it
 * back. Pure data; commands stand in the order in which they are typed, and find the certificate in `ca.crt` of the current folder.
 */
export interface ClientKind {
  /** Kebab-case and stable: the page's file name, and what `--json` says. */
  readonly id: string;
  readonly name: string;
  /** The process that opens the connection, and so has to trust. */
  readonly connects: string;
  readonly broughtBy: readonly Bringer[];
  readonly presence: Presence;
  /** None where the registry's certificate is trusted already (`caPem` is undefined). */
  readonly files: (registry: RegistryIdentity, folders: Folders) => readonly TrustFile[];
  /** What to type once the files are there (or what puts them there, where copying is not enough). */
  readonly apply: (registry: RegistryIdentity, folders: Folders) => readonly string[];
  /** What has to start anew before it is trusted; `undefined`: nothing. */
  readonly restart: string | undefined;
  readonly login: (registry: string) => readonly string[];
  /** Where the credentials end up. */
  readonly credentials: string;
  /** A push and a pull, or what comes nearest. */
  readonly use: (registry: string) => readonly string[];
  /** What to type besides deleting our own files and what we added to others. */
  readonly undo: (registry: RegistryIdentity, folders: Folders) => readonly string[];
  /** Traps, and what else is worth a sentence. */
  readonly remarks: readonly string[];
  readonly sources: readonly Source[];
}

/** `ca.crt` in a folder per spelling of the registry: the shape that Docker made and most others read. */
export function certificateFolders(
  registry: RegistryIdentity,
  { parent, place = "machine" }: { readonly parent: string; readonly place?: FilePlace },
): readonly TrustFile[] {
  return registry.spellings.flatMap((spelling) =>
    certificateFile(registry, { path: `${parent}/${spelling}/ca.crt`, place }),
  );
}

/** One file with the certificate; none where none is needed. */
export function certificateFile(
  { caPem }: RegistryIdentity,
  { path, place = "machine" }: { readonly path: string; readonly place?: FilePlace },
): readonly TrustFile[] {
  return caPem === undefined ? [] : [{ place, path, text: caPem, ownership: "own" }];
}

/** For kinds that need none of a list. */
export function none(): readonly never[] {
  return [];
}

/** `docker login` and its likes: the password is asked for, so that it stands in no history. */
export function loginWith(program: string): (registry: string) => readonly string[] {
  return (registry) => [`${program} login -u USER ${registry}`];
}

/** Tags, pushes and pulls with a program that speaks Docker's command line. */
export function pushAndPullWith(program: string): (registry: string) => readonly string[] {
  return (registry) => [
    `${program} tag IMAGE ${registry}/IMAGE`,
    `${program} push ${registry}/IMAGE`,
    `${program} pull ${registry}/IMAGE`,
  ];
}
