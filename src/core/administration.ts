/** A user as the operator sees it: never with anything of the password. */
export interface UserSummary {
  readonly name: string;
  readonly isAdmin: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** How the registry is, in numbers. */
export interface RegistryStatus {
  readonly version: string;
  /** The process that serves; undefined while none does. */
  readonly pid: number | undefined;
  /** What clients write before the repository: `NAME:PORT`; undefined while nothing serves. */
  readonly address: string | undefined;
  /** Whose certificate clients meet there, `off` for none; undefined while nothing serves. */
  readonly tls: "own" | "other" | "off" | undefined;
  /** Milliseconds since 1970; undefined where there is no certificate of dozo's own. */
  readonly certificateEndsAt: number | undefined;
  readonly users: number;
  readonly repositories: number;
  readonly tags: number;
  readonly storedBytes: number;
  /** Bytes of blobs that no manifest needs. */
  readonly unreferencedBytes: number;
  readonly openUploads: number;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly isAdmin: boolean;
}

/** What an operator does on the machine itself. The same whether a server runs or not; a change holds at once. */
export interface Administration {
  /** In byte order of their names. */
  listUsers(): Promise<readonly UserSummary[]>;
  /** Throws `AdministrationError`: the name or password cannot be one, or the name is taken. */
  addUser(user: NewUser): Promise<void>;
  /** Throws `AdministrationError`: the password cannot be one, or there is no such user. */
  changePassword(name: string, password: string): Promise<void>;
  /** Throws `AdministrationError`: there is no such user, or it is the last admin. */
  removeUser(name: string): Promise<void>;
  status(): Promise<RegistryStatus>;
}

export type AdministrationFault =
  | "name-invalid"
  | "password-invalid"
  | "user-exists"
  | "user-unknown"
  | "last-admin"
  | "name-not-permitted"
  | "certificate-unusable";

/** A refusal that the operator is meant to read. */
export class AdministrationError extends Error {
  readonly fault: AdministrationFault;

  constructor(fault: AdministrationFault, message: string) {
    super(message);
    this.name = "AdministrationError";
    this.fault = fault;
  }
}
