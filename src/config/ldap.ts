import { isIP } from "node:net";
import { z } from "zod";

/** What is looked for where nobody says anything else; by the kind of directory. */
const presets = {
  "active-directory": {
    // Not those who are switched off, who could not log in, but would be found for their access keys.
    userFilter:
      "(&(objectClass=user)(!(objectClass=computer))(!(userAccountControl:1.2.840.113556.1.4.803:=2))(|(sAMAccountName={name})(userPrincipalName={name})))",
    nameAttribute: "sAMAccountName",
    // LDAP_MATCHING_RULE_IN_CHAIN: groups in groups too.
    groupFilter: "(&(objectClass=group)(member:1.2.840.113556.1.4.1941:={dn}))",
    groupAttribute: "sAMAccountName",
  },
  "group-of-names": {
    userFilter: "(&(objectClass=person)(uid={name}))",
    nameAttribute: "uid",
    groupFilter: "(|(&(objectClass=groupOfNames)(member={dn}))(&(objectClass=groupOfUniqueNames)(uniqueMember={dn})))",
    groupAttribute: "cn",
  },
  posix: {
    userFilter: "(&(objectClass=posixAccount)(uid={name}))",
    nameAttribute: "uid",
    groupFilter: "(&(objectClass=posixGroup)(memberUid={name}))",
    groupAttribute: "cn",
  },
} as const;

const url = z.string().refine(isDirectoryUrl, {
  error: (issue) => `"${String(issue.input)}" is no address of a directory: write it like ldaps://ldap.example.com`,
});

const text = z.string().min(1);
const attribute = z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, {
  error: (issue) => `"${String(issue.input)}" is no name of an attribute`,
});
const presetDefault = "as ldap.preset has it";
const filter = text.refine(isInBrackets, {
  error: (issue) => `"${String(issue.input)}" has to be in brackets, as many that open as close: (uid={name})`,
});

/** The settings of a directory that people log in with; `urls` empty: there is none. */
export const ldap = z
  .strictObject({
    urls: z.array(url).max(8).default([]).meta({
      description:
        "The directory (LDAP, Active Directory) whose users may log in too: ldaps://HOST, or ldap://HOST with ldap.startTls. Of several, the next is asked when one does not answer.",
      placeholder: "URL",
      flag: "ldap-url",
    }),
    startTls: z.boolean().default(false).meta({ description: "Begin TLS on ldap:// before anything else (StartTLS)." }),
    insecurePlain: z.boolean().default(false).meta({
      description:
        "Allow ldap:// without TLS to another machine. Whoever is on the way reads every password and lets anybody in.",
    }),
    ca: text.optional().meta({
      description: "A PEM file with the CA of the directory's certificate.",
      defaultText: "the usual authorities",
      placeholder: "FILE",
    }),
    bindDn: text.optional().meta({
      description: "The entry that dozo searches as; it needs to read users and groups, and no more.",
      defaultText: "none: searches without a login",
      placeholder: "DN",
    }),
    bindPasswordFile: text.optional().meta({
      description: "The file with the password of ldap.bindDn; it is read at each use.",
      defaultText: "none",
      placeholder: "FILE",
    }),
    base: text.optional().meta({
      description: "Where the users are: this entry and all below it.",
      defaultText: "none; needed with ldap.urls",
      placeholder: "DN",
    }),
    preset: z.enum(["active-directory", "group-of-names", "posix"]).default("group-of-names").meta({
      description: "The kind of directory: what is not said below is as usual there.",
      placeholder: "KIND",
    }),
    userFilter: filter.optional().meta({
      description: "Finds a user; {name} is what was typed. It has to mean one entry.",
      defaultText: presetDefault,
      placeholder: "FILTER",
    }),
    nameAttribute: attribute.optional().meta({
      description: "The attribute with the user's name, which rules and the record use, in lower case.",
      defaultText: presetDefault,
      placeholder: "ATTRIBUTE",
    }),
    groupBase: text.optional().meta({
      description: "Where the groups are.",
      defaultText: "as ldap.base",
      placeholder: "DN",
    }),
    groupFilter: filter.optional().meta({
      description: "Finds the groups of a user; {dn} is the user's entry, {name} the name in it.",
      defaultText: presetDefault,
      placeholder: "FILTER",
    }),
    groupAttribute: attribute.optional().meta({
      description: "The attribute with the group's name, for rules about ldap:NAME, in lower case.",
      defaultText: presetDefault,
      placeholder: "ATTRIBUTE",
    }),
    allowedGroups: z.array(text).default([]).meta({
      description: "Only members of one of these groups may log in.",
      defaultText: "none: every user that is found may",
      placeholder: "NAME",
    }),
    timeoutSeconds: z.number().int().min(1).max(60).default(5).meta({
      description: "A server that has not answered for so long is given up.",
    }),
  })
  .superRefine((settings, context) => {
    const complain = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    const { urls, startTls, insecurePlain, bindDn, bindPasswordFile, base, userFilter, groupFilter } = settings;
    if (urls.length > 0 && base === undefined)
      complain(["urls"], "needs ldap.base too: where the users are, like dc=example,dc=com");
    if ((bindDn === undefined) !== (bindPasswordFile === undefined))
      complain(
        [bindDn === undefined ? "bindPasswordFile" : "bindDn"],
        "ldap.bindDn and ldap.bindPasswordFile belong together",
      );
    if (userFilter?.includes("{name}") === false) complain(["userFilter"], "has to have {name} in it");
    if (groupFilter !== undefined && !/\{(?:name|dn)\}/.test(groupFilter))
      complain(["groupFilter"], "has to have {dn} or {name} in it");
    for (const [index, each] of urls.entries()) {
      if (!isDirectoryUrl(each)) continue;
      const { protocol, hostname } = new URL(each);
      if (protocol === "ldaps:" && startTls)
        complain(["urls", index], "has TLS from the first byte: write ldap:// with ldap.startTls, or leave that out");
      if (protocol === "ldap:" && !startTls && !insecurePlain && !isLoopback(hostname))
        complain(
          ["urls", index],
          "would send every password without TLS: write ldaps://, or set ldap.startTls (ldap.insecurePlain accepts the danger)",
        );
    }
  })
  .transform((settings) => {
    const { bindDn, bindPasswordFile, base = "", groupBase = base } = settings;
    const usual = presets[settings.preset];
    return {
      ...settings,
      base,
      groupBase,
      searcher:
        bindDn === undefined || bindPasswordFile === undefined
          ? undefined
          : { dn: bindDn, passwordFile: bindPasswordFile },
      userFilter: settings.userFilter ?? usual.userFilter,
      nameAttribute: settings.nameAttribute ?? usual.nameAttribute,
      groupFilter: settings.groupFilter ?? usual.groupFilter,
      groupAttribute: settings.groupAttribute ?? usual.groupAttribute,
    };
  })
  .meta({ description: "A directory of users, by LDAP." });

/** The protocol, a host and perhaps a port, and nothing else. */
function isDirectoryUrl(written: string): boolean {
  return /^ldaps?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?\/?$/.test(written) && URL.canParse(written);
}

function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

/** The commonest fault of a filter; others are found when the directory is opened. */
function isInBrackets(written: string): boolean {
  const count = (bracket: string): number => written.split(bracket).length;
  return written.startsWith("(") && written.endsWith(")") && count("(") === count(")");
}
