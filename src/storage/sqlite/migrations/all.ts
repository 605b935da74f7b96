import { first } from "./0001-first.ts";
import { accessRules } from "./0002-access-rules.ts";
import { clientCertificates } from "./0003-client-certificates.ts";
import { groupsAndRobots } from "./0004-groups-and-robots.ts";
import { accessKeys } from "./0005-access-keys.ts";
import { refreshTokens } from "./0006-refresh-tokens.ts";
import { oidcUsers } from "./0007-oidc-users.ts";
import { garbageCollection } from "./0008-garbage-collection.ts";
import { verification } from "./0009-verification.ts";
import type { Migration } from "./migrate.ts";

/** Every step from nothing to the format that this program writes, in order. One that was released is never changed. */
export const migrations: readonly Migration[] = [
  first,
  accessRules,
  clientCertificates,
  groupsAndRobots,
  accessKeys,
  refreshTokens,
  oidcUsers,
  garbageCollection,
  verification,
];
