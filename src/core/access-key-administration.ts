import type { Grant } from "./caller.ts";

/** What an access key is asked for with. Where neither repositories nor actions are named, it is good for all that its principal may. */
export interface NewAccessKey {
  /** Patterns, as `core/repository-pattern.ts` has them; none: all repositories. */
  readonly repositories: readonly string[];
  /** None: all that the principal may there. */
  readonly actions: readonly string[];
  readonly lifetimeMs: number | "never";
}

/** An access key as people see it: never with anything of its secret. Times in milliseconds since 1970. */
export interface AccessKeySummary {
  readonly id: string;
  /** The name of the user or robot that it is for. */
  readonly principal: string;
  /** Undefined: all that the principal may. */
  readonly grants: readonly Grant[] | undefined;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  /** To the minute. */
  readonly lastUsedAt: number | undefined;
  /** It, or its robot, is over. */
  readonly hasEnded: boolean;
}

/** A key that was made just now. The text is told here and never again. */
export interface MadeAccessKey extends AccessKeySummary {
  readonly key: string;
}

/** What somebody does with their own keys, and those of their robots; the same rules hold as for the operator's. */
export interface OwnAccessKeys {
  create(wanted: NewAccessKey): Promise<MadeAccessKey>;
  list(): Promise<readonly AccessKeySummary[]>;
  /** Answers the ids of those that are revoked by this. */
  revoke(id: string): Promise<readonly string[]>;
}

/** One access key, or all of a principal's. */
export type AccessKeySelection = { readonly id: string } | { readonly principal: string };
