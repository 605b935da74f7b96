import type { Migration } from "./migrate.ts";

/**
 * Principals from directories and providers, robots, groups, and rules about groups and about those who are not logged in.
 *
 * A table's CHECK cannot be changed, so two tables are written anew; the rules first, which refer to the principals.
 */
export const groupsAndRobots: Migration = {
  number: 4,
  sql: `
    CREATE TABLE principals_next (
      id TEXT PRIMARY KEY,
      kind TEXT NOT NULL DEFAULT 'user' CHECK (kind IN ('user', 'robot')),
      source TEXT NOT NULL CHECK (source IN ('dozo', 'htpasswd', 'ldap', 'oidc')),
      name TEXT NOT NULL,
      is_admin INTEGER NOT NULL,
      password_hash TEXT,
      credential_version INTEGER NOT NULL,
      -- Of a robot: whose it is, NULL for the registry's own; and when it ends, NULL for never.
      owner_id TEXT REFERENCES principals_next (id),
      expires_at INTEGER,
      created_by TEXT,
      created_at INTEGER NOT NULL,
      password_set_by TEXT,
      password_set_at INTEGER,
      removed_by TEXT,
      removed_at INTEGER
    ) STRICT, WITHOUT ROWID;
    INSERT INTO principals_next
      SELECT id, 'user', source, name, is_admin, password_hash, credential_version, NULL, NULL, created_by, created_at,
        password_set_by, password_set_at, removed_by, removed_at
      FROM principals;

    CREATE TABLE access_rules_next (
      -- A ULID: in the order in which they were made.
      id TEXT PRIMARY KEY,
      effect TEXT NOT NULL CHECK (effect IN ('allow', 'deny')),
      subject_kind TEXT NOT NULL CHECK (subject_kind IN ('everyone', 'anonymous', 'group', 'principal')),
      -- Of a rule about a principal.
      subject_id TEXT REFERENCES principals_next (id),
      -- Of a rule about a group.
      group_source TEXT CHECK (group_source IN ('dozo', 'ldap', 'oidc')),
      group_name TEXT,
      repositories TEXT NOT NULL,
      -- JSON: an array of actions.
      actions TEXT NOT NULL,
      created_by TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO access_rules_next
      SELECT id, effect, iif(subject_id IS NULL, 'everyone', 'principal'), subject_id, NULL, NULL, repositories, actions,
        created_by, created_at
      FROM access_rules;

    DROP TABLE access_rules;
    DROP TABLE principals;
    ALTER TABLE principals_next RENAME TO principals;
    ALTER TABLE access_rules_next RENAME TO access_rules;
    CREATE UNIQUE INDEX present_principals ON principals (source, name) WHERE removed_at IS NULL;
    CREATE INDEX robots_of_principal ON principals (owner_id) WHERE owner_id IS NOT NULL;
    CREATE INDEX rules_of_principal ON access_rules (subject_id);
    CREATE INDEX rules_of_group ON access_rules (group_source, group_name) WHERE group_name IS NOT NULL;

    -- Dozo's own groups; those of a directory or provider are only ever names.
    CREATE TABLE groups (
      name TEXT PRIMARY KEY,
      created_by TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE group_members (
      principal_id TEXT NOT NULL REFERENCES principals (id),
      source TEXT NOT NULL CHECK (source IN ('dozo', 'ldap', 'oidc')),
      group_name TEXT NOT NULL,
      PRIMARY KEY (principal_id, source, group_name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_of_group ON group_members (source, group_name);
  `,
};
