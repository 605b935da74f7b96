import { addKey, listKeys, noteUses, removeKeys } from "./access-keys.ts";
import { addRule, listRules, removeRule } from "./access-rules.ts";
import { commitBlob, deleteBlob, findBlob, findBlobHolders, leaseBlob, mountBlob } from "./blobs.ts";
import { addCertificate, findCertificate, listCertificates, revokeCertificates } from "./client-certificates.ts";
import {
  claimBlobs,
  expireTrash,
  listExpired,
  listOrphans,
  listUnlinks,
  listUnneeded,
  removeEmptyRepositories,
  removeOrphans,
  removeUnlinks,
  storageUse,
} from "./collection.ts";
import type { Database } from "./database.ts";
import {
  addMembers,
  createGroup,
  listGroups,
  listMemberships,
  removeGroup,
  removeMembers,
  replaceGroups,
} from "./groups.ts";
import { deleteManifest, findManifest, putManifest, touchManifest } from "./manifests.ts";
import { findOidcUser, listOidcUsers, readmitOidcUser, receiveOidcUser } from "./oidc-users.ts";
import {
  createUser,
  externalPrincipal,
  findExternalPrincipal,
  findPrincipal,
  findUser,
  keepExternalPrincipals,
  listExternalNames,
  listUsers,
  removeExternalPrincipal,
  removeUser,
  setPassword,
} from "./principals.ts";
import { listImages } from "./images.ts";
import { purgeRepository } from "./purge.ts";
import {
  addRefreshToken,
  findRefreshToken,
  noteRefreshTokenUse,
  removeRefreshToken,
  removeRefreshTokensIdleSince,
} from "./refresh-tokens.ts";
import { listReferrers } from "./referrers.ts";
import { listRepositories, searchRepositories } from "./repositories.ts";
import { deleteTag, listTags, tagHistory } from "./tags.ts";
import { createRobot, listRobots, removeRobot } from "./robots.ts";
import { totals } from "./totals.ts";
import { createUpload, findUpload, listUploadsIdleSince, removeUpload, touchUpload } from "./uploads.ts";

import {
  checkRow,
  listDue,
  listImage,
  listQuarantined,
  listStored,
  noteGood,
  noteStart,
  noteStop,
  quarantine,
  verificationFacts,
} from "./verification.ts";

/** Functions over a database that a thread runs when it is asked to by name. */
export type Operations = Readonly<Record<string, (db: Database, ...args: never[]) => unknown>>;

/** What the reader thread does. */
export const reads = {
  findBlob,
  findBlobHolders,
  findManifest,
  listTags,
  listRepositories,
  searchRepositories,
  listReferrers,
  findUpload,
  listUploadsIdleSince,
  tagHistory,
  listImages,
  totals,
  listExpired,
  listOrphans,
  listUnneeded,
  listUnlinks,
  storageUse,
  findUser,
  listUsers,
  listRobots,
  findPrincipal,
  findExternalPrincipal,
  listExternalNames,
  listRules,
  listGroups,
  listKeys,
  listMemberships,
  findCertificate,
  listCertificates,
  findRefreshToken,
  listOidcUsers,
  findOidcUser,
  listDue,
  listStored,
  listImage,
  checkRow,
  listQuarantined,
  verificationFacts,
};

/** What the writer thread does: each one whole change, made completely or not at all. */
export const changes = {
  createUpload,
  touchUpload,
  removeUpload,
  commitBlob,
  mountBlob,
  leaseBlob,
  putManifest,
  touchManifest,
  deleteTag,
  deleteManifest,
  deleteBlob,
  purgeRepository,
  expireTrash,
  removeOrphans,
  claimBlobs,
  removeUnlinks,
  removeEmptyRepositories,
  createUser,
  setPassword,
  removeUser,
  createRobot,
  removeRobot,
  externalPrincipal,
  removeExternalPrincipal,
  keepExternalPrincipals,
  addRule,
  removeRule,
  createGroup,
  removeGroup,
  addMembers,
  removeMembers,
  addKey,
  removeKeys,
  noteUses,
  replaceGroups,
  addCertificate,
  revokeCertificates,
  addRefreshToken,
  noteRefreshTokenUse,
  removeRefreshToken,
  removeRefreshTokensIdleSince,
  receiveOidcUser,
  readmitOidcUser,
  noteGood,
  quarantine,
  noteStart,
  noteStop,
};
