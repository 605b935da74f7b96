import {
  configurationUnreadable,
  credentialHelperMissing,
  dockerElsewhere,
  dockerTokenTrap,
  loginMissing,
  loginOtherSpelling,
  versionTooOld,
} from "../diagnosis/client-findings.ts";
import { proxyInTheWay } from "../diagnosis/connection-findings.ts";
import type { Finding } from "../diagnosis/finding.ts";
import { configPathColon, configPathMissing, insecureRegistry } from "../diagnosis/trust-findings.ts";
import { type Examination, examined } from "./examination.ts";
import type { DockerFacts, LoginFile, ProgramFacts } from "./program-facts.ts";
import { isSameServer, type RegistryReference } from "./registry-reference.ts";
import { isOlder } from "./version.ts";

/** Client programs on this machine: their versions, settings and logins. `challenge` is what the registry asks a login with. */
export function checkPrograms(
  reference: RegistryReference,
  facts: ProgramFacts,
  challenge: string,
): readonly Examination[] {
  const { docker, podmanVersion, containerdVersion, curlVersion } = facts;
  const versions = [
    docker?.serverVersion === undefined ? "" : `Docker ${docker.serverVersion}`,
    podmanVersion === undefined ? "" : `podman ${podmanVersion}`,
    containerdVersion === undefined ? "" : `containerd ${containerdVersion}`,
    curlVersion === undefined ? "" : `curl ${curlVersion}`,
  ].filter((each) => each !== "");
  return [
    examined("programs", versions.join(", ") || "none of the usual ones", [
      ...dockerFindings(docker, challenge),
      ...floorFindings(facts),
    ]),
    examined("settings", `${facts.insecure.length} lists of insecure registries`, [
      ...facts.brokenFiles.map(({ path, fault }) => configurationUnreadable({ file: path, reason: fault })),
      ...insecureFindings(reference, facts),
      ...containerdFindings(facts),
      proxyFinding(reference, facts),
    ]),
    examined("logins", loginsSeen(reference, facts.logins), loginFindings(reference, facts)),
  ];
}

function dockerFindings(docker: DockerFacts | undefined, challenge: string): readonly Finding[] {
  if (docker === undefined) return [];
  const { serverVersion: version, usesContainerdStore, elsewhere } = docker;
  const isInRange = version !== undefined && !isOlder(version, "28.0") && isOlder(version, "29.5");
  const asksForTokens = /^bearer /i.test(challenge);
  return [
    ...(elsewhere === undefined ? [] : [dockerElsewhere({ where: elsewhere })]),
    ...(isInRange && usesContainerdStore && asksForTokens ? [dockerTokenTrap({ version })] : []),
  ];
}

interface Floor {
  readonly program: string;
  readonly version: string | undefined;
  readonly floor: string;
  readonly why: string;
  readonly fix: string;
}

function floorFindings(facts: ProgramFacts): readonly Finding[] {
  const floors: readonly Floor[] = [
    {
      program: "Docker",
      version: facts.docker?.serverVersion,
      floor: "1.10",
      why: "Before it Docker does not know version 2 of the registry's protocol.",
      fix: "sudo apt-get install --only-upgrade docker-ce, or docker.io",
    },
    {
      program: "curl",
      version: facts.curlVersion,
      floor: "7.44",
      why: "The enrolment line checks the server's key with --pinnedpubkey sha256//, which older ones do not know.",
      fix: "sudo apt-get install --only-upgrade curl",
    },
  ];
  return floors.flatMap(({ program, version, floor, why, fix }) =>
    version !== undefined && isOlder(version, floor) ? [versionTooOld({ program, version, floor, why, fix })] : [],
  );
}

function insecureFindings(reference: RegistryReference, { insecure }: ProgramFacts): readonly Finding[] {
  return insecure
    .filter(({ registries }) => registries.some((each) => each === reference.registry || isSameServer(reference, each)))
    .map(({ client, file }) => insecureRegistry({ registry: reference.registry, file, client }));
}

/** Only where Kubernetes pulls by it. Without a value of its own, 2.2 and later have the two folders. */
function containerdFindings({ containerdConfig, containerdVersion }: ProgramFacts): readonly Finding[] {
  if (containerdConfig === undefined || containerdVersion === undefined) return [];
  const file = "/etc/containerd/config.toml";
  const text = containerdConfig === "missing" ? "" : (containerdConfig.text ?? "");
  const values = [...text.matchAll(/^\s*config_path\s*=\s*["']([^"']*)["']/gm)].map(([, value = ""]) => value);
  const readsLists = isOlder(containerdVersion, "2.1");
  const colon = values.find((value) => value.includes(":"));
  if (colon !== undefined) return readsLists ? [] : [configPathColon({ file, value: colon })];
  if (values.some((value) => value !== "")) return [];
  const usual = "/etc/containerd/certs.d:/etc/docker/certs.d, its default";
  return isOlder(containerdVersion, "2.2") ? [configPathMissing({ file })] : [configPathColon({ file, value: usual })];
}

function proxyFinding({ host }: RegistryReference, { proxy }: ProgramFacts): Finding | undefined {
  if (proxy === undefined) return undefined;
  const isExcepted = proxy.exceptions.some((each) => {
    const bare = each.replace(/^\*?\./, "").replace(/:[0-9]+$/, "");
    return each === "*" || host === bare || host.endsWith(`.${bare}`);
  });
  return isExcepted ? undefined : proxyInTheWay({ host, variable: proxy.variable });
}

function loginsSeen(reference: RegistryReference, logins: readonly LoginFile[]): string {
  const own = logins.filter(({ registries }) => registries.includes(reference.registry)).map(({ path }) => path);
  return own.length === 0 ? `none for ${reference.registry}` : `for ${reference.registry} in ${own.join(", ")}`;
}

function loginFindings(
  reference: RegistryReference,
  { logins, docker, podmanVersion }: ProgramFacts,
): readonly Finding[] {
  const { registry } = reference;
  const broken = logins.flatMap(({ path, fault, helpers }) => [
    ...(fault === undefined ? [] : [configurationUnreadable({ file: path, reason: fault })]),
    ...helpers
      .filter((helper) => !helper.isThere && (helper.registry === undefined || isOurs(reference, helper.registry)))
      .map(({ program }) => credentialHelperMissing({ helper: program, file: path })),
  ]);
  if (logins.some(({ registries }) => registries.some((each) => spellingOf(each) === registry))) return broken;
  const other = logins.flatMap(({ path, registries }) =>
    registries
      .filter((each) => isOurs(reference, spellingOf(each)) || spellingOf(each) === reference.host)
      .map((stored) => loginOtherSpelling({ registry, stored, file: path })),
  );
  if (other.length > 0) return [...broken, ...other];
  const client = docker === undefined ? (podmanVersion === undefined ? undefined : "podman") : "docker";
  return client === undefined ? broken : [...broken, loginMissing({ registry, client })];
}

function isOurs(reference: RegistryReference, spelling: string): boolean {
  return spelling === reference.registry || isSameServer(reference, spelling);
}

/** Old files have `https://HOST:PORT/v1/`, which Docker still finds; podman has `HOST:PORT/namespace` too. */
function spellingOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}
