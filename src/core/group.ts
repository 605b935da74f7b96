/** Who says who is in a group: dozo itself, or the directory or provider that people log in with. */
export type GroupSource = "dozo" | "ldap" | "oidc";

/** Groups of the same name from two sources are two groups. */
export interface Group {
  readonly source: GroupSource;
  readonly name: string;
}
