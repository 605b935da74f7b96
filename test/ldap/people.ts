import type { DirectoryOptions } from "../../src/auth/ldap/directory.ts";
import { serviceAccount, type Slapd } from "./slapd.ts";

export const people = "ou=people,dc=example,dc=org";
export const groups = "ou=groups,dc=example,dc=org";

/** A person whose password is `canary-` and the name in lower case. */
function person(uid: string, more = ""): string {
  return `dn: uid=${uid},${people}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
userPassword: canary-${uid.toLowerCase()}
${more}`;
}

/** What a small company has. Alice is written in both cases, as people do. */
export const company = `dn: ${people}
objectClass: organizationalUnit
ou: people

dn: ${groups}
objectClass: organizationalUnit
ou: groups

${person("Alice", "mail: alice@example.org\n")}
${person("bob", "mail: shared@example.org\n")}
${person("eve", "mail: shared@example.org\n")}
${person("frank")}
${person("two", "uid: zwei\n")}
${person("günther")}
dn: uid=nopassword,${people}
objectClass: inetOrgPerson
uid: nopassword
cn: nopassword
sn: nopassword

dn: cn=Developers,${groups}
objectClass: groupOfNames
cn: Developers
member: uid=Alice,${people}

dn: cn=all of us,${groups}
objectClass: groupOfUniqueNames
cn: all of us
uniqueMember: uid=Alice,${people}
uniqueMember: uid=bob,${people}

dn: cn=build,${groups}
objectClass: posixGroup
cn: build
gidNumber: 1000
memberUid: Alice
`;

/** As the settings have it for that company, over ldaps. */
export function optionsFor(slapd: Slapd): DirectoryOptions {
  return {
    urls: [slapd.ldapsUrl],
    startTls: false,
    caPem: slapd.caPem,
    searcher: { dn: serviceAccount.dn, password: () => Promise.resolve(serviceAccount.password) },
    base: people,
    userFilter: "(&(objectClass=person)(uid={name}))",
    nameAttribute: "uid",
    groupBase: groups,
    groupFilter: "(|(&(objectClass=groupOfNames)(member={dn}))(&(objectClass=groupOfUniqueNames)(uniqueMember={dn})))",
    groupAttribute: "cn",
    allowedGroups: [],
    timeoutMs: 5000,
  };
}
