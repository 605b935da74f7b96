import {
  certificateExpired,
  certificateForOtherNames,
  certificateNotYetValid,
  strangeIssuer,
} from "../diagnosis/certificate-findings.ts";
import {
  credentialHelperMissing,
  configurationUnreadable,
  dockerElsewhere,
  loginMissing,
  loginOtherSpelling,
  loginRefused,
  versionTooOld,
} from "../diagnosis/client-findings.ts";
import {
  clocksDiffer,
  hostUnreachable,
  nameIsLoopback,
  nameUnknown,
  notARegistry,
  notTls,
  plainHttp,
  portClosed,
  portSilent,
  proxyInTheWay,
  registryFails,
} from "../diagnosis/connection-findings.ts";
import { challengeChanged } from "../diagnosis/exchange-findings.ts";
import type { Finding } from "../diagnosis/finding.ts";
import {
  caUnreadable,
  clientKeyMissing,
  configPathColon,
  configPathMissing,
  hostsTomlWithoutCa,
  insecureRegistry,
  noCertificate,
  nothingTrusts,
  podmanShadowed,
  wrongCa,
  wrongEnding,
  wrongFolder,
} from "../diagnosis/trust-findings.ts";
import { quote } from "./shell-word.ts";

// Stand in a finding's text for the first, second, … word that its shell function is called with.
const [one, two, three, four, five] = ["@1@", "@2@", "@3@", "@4@", "@5@"] as const;

const minuteMs = 60_000;
// Numbers, so that the texts that are chosen by them are: replaced by the word afterwards.
const few = 42;
const many = 4242;

/** The findings of diagnosis that the script can make, by the names of their shell functions, with the words these take. */
const findings: Readonly<Record<string, Finding>> = {
  name_unknown: nameUnknown({ host: one }),
  name_is_loopback: nameIsLoopback({ host: one, address: two }),
  port_closed: portClosed({ registry: one, host: two, port: three }),
  port_silent: portSilent({ registry: one, host: two, port: three }),
  host_unreachable: hostUnreachable({ host: one, code: two }),
  plain_http: plainHttp({ registry: one }),
  not_tls: notTls({ registry: one, reason: two }),
  not_a_registry: notARegistry({ registry: one, answer: two }),
  registry_fails_500: registryFails({ registry: one, status: 500 }),
  registry_fails_502: registryFails({ registry: one, status: 502 }),
  registry_fails_503: registryFails({ registry: one, status: 503 }),
  registry_fails_504: registryFails({ registry: one, status: 504 }),
  challenge_changed: challengeChanged({ registry: one, challenge: two }),
  proxy_in_the_way: proxyInTheWay({ host: one, variable: two }),
  clock_ahead: minutes(clocksDiffer({ differenceMs: few * minuteMs }), few),
  clock_far_ahead: minutes(clocksDiffer({ differenceMs: many * minuteMs }), many),
  clock_behind: minutes(clocksDiffer({ differenceMs: -few * minuteMs }), few),
  clock_far_behind: minutes(clocksDiffer({ differenceMs: -many * minuteMs }), many),
  certificate_expired: certificateExpired({ whose: one, endedOn: two, today: three, isOwn: true }),
  certificate_not_yet_valid: certificateNotYetValid({ whose: one, beginsOn: two, today: three }),
  certificate_for_other_names: certificateForOtherNames({ name: one, names: [two] }),
  strange_issuer: strangeIssuer({ registry: one, issuer: two }),
  nothing_trusts: nothingTrusts({ registry: one, client: two, file: three }),
  ca_wrong: wrongCa({ registry: one, file: two, holds: three }),
  ca_not_a_certificate: noCertificate({ file: one }),
  ca_unreadable: caUnreadable({ file: one }),
  ca_wrong_ending: wrongEnding({ file: one, right: two }),
  ca_wrong_folder: wrongFolder({ folder: one, right: two, registry: three }),
  client_key_missing: clientKeyMissing({ file: one, key: two }),
  podman_shadowed: podmanShadowed({ folder: one, hidden: two }),
  hosts_toml_without_ca: hostsTomlWithoutCa({ file: one, ca: two }),
  config_path_colon: configPathColon({ file: one, value: two }),
  config_path_missing: configPathMissing({ file: one }),
  insecure_registry: insecureRegistry({ registry: one, file: two, client: three }),
  version_too_old: versionTooOld({ program: one, version: two, floor: three, why: four, fix: five }),
  docker_elsewhere: dockerElsewhere({ where: one }),
  not_logged_in: loginMissing({ registry: one, client: two }),
  login_refused: loginRefused({ registry: one, user: two }),
  login_other_spelling: loginOtherSpelling({ registry: one, stored: two, file: three }),
  credential_helper_missing: credentialHelperMissing({ helper: one, file: two }),
  configuration_unreadable: configurationUnreadable({ file: one, reason: two }),
};

function minutes(finding: Finding, number: number): Finding {
  return { ...finding, what: finding.what.replace(`${number}`, one) };
}

/** A shell function `find_…` for each, which hands the finding's parts to the function `finding`. */
export function findingFunctions(): string {
  const lines = Object.entries(findings).map(([name, { id, severity, what, why, fix }]) => {
    const words = [id, severity, what, why, fix].map(withParameters);
    return `find_${name}() { finding ${words.join(" ")}; }\n`;
  });
  return `\n${lines.join("")}`;
}

function withParameters(text: string): string {
  return text
    .split(/@([1-5])@/)
    .map((part, index) => (index % 2 === 1 ? `"$${part}"` : part === "" ? "" : quote(part)))
    .join("");
}
