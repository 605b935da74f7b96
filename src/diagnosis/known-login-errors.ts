import { accessActions } from "../core/access-rule.ts";
import { type KnownError, nameOf, placeOf } from "./known-error.ts";
import { loginCommand } from "./login-command.ts";

// What the registry says where a rule decided; nothing in it that a shell could take for more than a name.
const ruledOut = new RegExp(
  String.raw`\bdenied: (\w[\w.@+-]*) may not (${accessActions.join("|")}) in ([a-z0-9][a-z0-9._/-]*)`,
);

/** Who somebody is, and what they may: logins, their helpers, permissions. */
export const knownLoginErrors: readonly KnownError[] = [
  {
    id: "credential-helper-broken",
    pattern: /error (?:getting|storing|listing) credentials|\bdocker-credential-([\w-]+)\b.*(?:not found|executable)/,
    covers: ["credentials-rejected", "not-logged-in"],
    explain: (line) => {
      const helper = /docker-credential-([\w-]+)/.exec(line.text)?.[1];
      return {
        what: `The program that keeps logins${helper === undefined ? "" : `, docker-credential-${helper},`} is not there or fails.`,
        why: "credsStore or credHelpers in ~/.docker/config.json (podman: auth.json) names it, often left behind by Docker Desktop.",
        fix: `sed -i.bak '/"credsStore"/d' ~/.docker/config.json && ${loginCommand(line.client, placeOf(line))}`,
      };
    },
  },
  {
    id: "not-logged-in",
    pattern: /no basic auth credentials|unauthorized: (?:log in first|authentication required)/,
    covers: ["credentials-rejected", "not-permitted"],
    explain: (line) => ({
      what: `The client has no login for ${nameOf(line)}.`,
      why: "Logins are kept under the registry's exact spelling, with the port, and for each user of the machine: sudo has its own. A helper that fails looks the same.",
      fix: loginCommand(line.client, placeOf(line)),
    }),
  },
  {
    id: "login-needs-terminal",
    pattern:
      /cannot perform an interactive login from a non[- ]TTY device|reading username: EOF|--password-stdin requires|Must provide --username with --password-stdin/i,
    explain: (line) => ({
      what: "The login asks for a password, and there is no terminal.",
      why: "In scripts the user is named, and the password comes on standard input.",
      fix: `printf %s "$PASSWORD" | ${loginCommand(line.client, placeOf(line))} --password-stdin`,
    }),
  },
  {
    id: "credentials-rejected",
    pattern:
      /\bunauthorized: |\b401 Unauthorized\b|Stored credentials invalid or expired|in(?:valid|correct) username(?:\/| or )password/,
    explain: (line) => ({
      what: `${line.registry ?? "The registry"} does not take this user name and password.`,
      why: "The password was changed, the user removed, or an old login is stored.",
      fix: `${loginCommand(line.client, placeOf(line))} (another password, on the server: dozo user passwd USER)`,
    }),
  },
  {
    id: "access-rule-denies",
    pattern: ruledOut,
    covers: ["not-permitted"],
    explain: (_, [, user = "USER", action = "push", repository = "NAME"]) => ({
      what: `The registry knows ${user}, who may not ${action} in ${repository}.`,
      why: "A rule denies it, or none allows it; to log in again changes nothing. Admins may do everything.",
      fix: `on the server: dozo access check ${user} ${action} ${repository} (it names the rule, and the command that changes it)`,
    }),
  },
  {
    id: "not-permitted",
    pattern:
      /\bdenied: |\b(?:pull|push) access denied\b|\binsufficient_scope\b|\b403 Forbidden\b|requested access to the resource is denied/,
    explain: (line) => {
      const repository =
        /(?:denied for|to repository|failed to push|Failed to pull image) "?([a-z0-9][\w./:-]*\w)/.exec(line.text)?.[1];
      return {
        what: `The user may not do that${repository === undefined ? "" : ` with ${repository}`}, or nobody is logged in.`,
        why: "Access rules say who may pull, push, overwrite and delete where; admins may everywhere. A full disk refuses pushes with the same word, and says so. A name without HOST:PORT in front goes to Docker Hub.",
        fix: `${loginCommand(line.client, placeOf(line))} ; on the server: dozo access check USER push NAME (or pull, delete) says which rule decides`,
      };
    },
  },
  {
    id: "body-too-large",
    pattern:
      /\b413 (?:Request Entity|Payload|Content) Too Large\b|unexpected status (?:code )?from PUT \S*: 413|\bstatus(?: code)?:? 413\b/i,
    explain: (line) => ({
      what: `What stands in front of ${nameOf(line)} refuses uploads of that size.`,
      why: "Layers are larger than a proxy's usual limit of 1 MB.",
      fix: "in nginx: client_max_body_size 0; in Apache: LimitRequestBody 0; in Traefik: no buffering middleware",
    }),
  },
  {
    id: "too-many-requests",
    pattern: /\btoomanyrequests\b|\b429 Too Many Requests\b/i,
    covers: ["credentials-rejected"],
    explain: (line) => ({
      what: `${line.registry ?? "The registry"} takes nothing more from this client for a while.`,
      why: "dozo says so after many wrong passwords: something with an old login goes on trying, perhaps. Docker Hub says so where its limit of pulls is reached.",
      fix: `wait some minutes, then: ${loginCommand(line.client, placeOf(line))}`,
    }),
  },
  {
    id: "no-such-image",
    pattern:
      /\bmanifest unknown\b|\bMANIFEST_UNKNOWN\b|\bNAME_UNKNOWN\b|\bname unknown\b|failed to resolve reference "[^"]+": \S+: not found/,
    explain: (line) => ({
      what: `${line.registry ?? "The registry"} has no image of that name and tag.`,
      why: "It was pushed under another name, or not at all; without a tag, latest is meant.",
      fix: `skopeo list-tags docker://${placeOf(line)}/NAME`,
    }),
  },
  {
    id: "login-stored-unencrypted",
    severity: "warning",
    pattern: /WARNING! Your (?:credentials are|password will be) stored unencrypted/,
    explain: () => ({
      what: "The login stands in a file, readable by whoever reads that user's files.",
      why: "There is no credential helper. The login works; nothing is broken.",
      fix: 'sudo apt-get install golang-docker-credential-helpers pass, and "credsStore": "pass" in ~/.docker/config.json',
    }),
  },
];
