import type { Finding } from "./finding.ts";
import { shellWord } from "./shell-word.ts";

// What is wrong with client programs and with what they remember of a login.

/** Docker's containerd store, in the versions that fetch tokens with the system's trust only. */
export function dockerTokenTrap({ version }: { readonly version: string }): Finding {
  return {
    id: "docker-token-trap",
    severity: "error",
    what: `Docker ${version} with its containerd image store does not use /etc/docker/certs.d when it fetches a token.`,
    why: 'This registry asks for tokens: docker login works, push and pull fail ("failed to fetch oauth token … x509").',
    fix: "upgrade Docker to 29.5 or later; or put the CA into the system's store and: sudo systemctl restart docker",
  };
}

/** A version that cannot do what is needed. */
export function versionTooOld({
  program,
  version,
  floor,
  why,
  fix,
}: Readonly<Record<"program" | "version" | "floor" | "why" | "fix", string>>): Finding {
  return {
    id: "version-too-old",
    severity: "warning",
    what: `${program} is version ${version}; ${floor} or later is needed.`,
    why,
    fix,
  };
}

/** The files of this machine do not count: the daemon is elsewhere. */
export function dockerElsewhere({ where }: { readonly where: string }): Finding {
  return {
    id: "docker-elsewhere",
    severity: "warning",
    what: `Docker on this machine speaks to a daemon elsewhere (${where}).`,
    why: "That machine's certificate files count for push and pull, not the ones here.",
    fix: "run dozo doctor on that machine too; docker context use default, and unset DOCKER_HOST, go back to this one",
  };
}

/** Nobody is logged in. */
export function loginMissing({ registry, client }: { readonly registry: string; readonly client: string }): Finding {
  return {
    id: "not-logged-in",
    severity: "warning",
    what: `${client} has no login for ${registry}.`,
    why: 'Pushes and pulls that need one fail: "no basic auth credentials", "unauthorized".',
    fix: `${client} login ${registry}`,
  };
}

/** Logged in, under another spelling of the same registry. */
export function loginOtherSpelling({
  registry,
  stored,
  file,
}: Readonly<Record<"registry" | "stored" | "file", string>>): Finding {
  return {
    id: "login-other-spelling",
    severity: "error",
    what: `${file} has a login for ${stored}, not for ${registry}.`,
    why: 'Clients look for the exact spelling of the image name: "no basic auth credentials".',
    fix: `docker login ${registry}`,
  };
}

/** A program named in the configuration is not there. */
export function credentialHelperMissing({ helper, file }: { readonly helper: string; readonly file: string }): Finding {
  return {
    id: "credential-helper-missing",
    severity: "error",
    what: `${file} names the credential helper ${helper}, which is not in PATH.`,
    why: 'Every login, push and pull fails: "error getting credentials".',
    fix: `install ${helper}, or take credsStore or credHelpers out of ${file}`,
  };
}

/** A configuration that no client can read. */
export function configurationUnreadable({ file, reason }: { readonly file: string; readonly reason: string }): Finding {
  return {
    id: "configuration-unreadable",
    severity: "error",
    what: `${file} cannot be read (${reason}).`,
    why: "The client that it belongs to stops at it, or goes on without what stands in it.",
    fix: `mend it; to see where: python3 -m json.tool ${shellWord(file)}`,
  };
}

/** Name or password are wrong. */
export function loginRefused({ registry, user }: { readonly registry: string; readonly user: string }): Finding {
  return {
    id: "login-refused",
    severity: "error",
    what: `${registry} does not take the name ${user} with this password.`,
    why: "Push and pull fail with unauthorized.",
    fix: `on the server: dozo user passwd ${user} gives a new password, dozo user list shows who there is`,
  };
}

/** Too many failed logins. */
export function loginThrottled({ registry }: { readonly registry: string }): Finding {
  return {
    id: "login-throttled",
    severity: "error",
    what: `${registry} takes no logins from this machine for a while.`,
    why: "Too many failed; a client with an old password goes on trying, perhaps.",
    fix: "wait some minutes, and log in again where the password is old: docker login",
  };
}

/** Nothing was tried, since the password would have gone to a stranger. */
export function loginNotTried({ registry }: { readonly registry: string }): Finding {
  return {
    id: "login-not-tried",
    severity: "error",
    what: `The login at ${registry} was not tried.`,
    why: "Its certificate is not trusted here, so nobody knows who would get the password.",
    fix: "mend what stands above first, or name the CA's certificate: --ca FILE",
  };
}
