import type { X509Certificate } from "node:crypto";
import type { Finding } from "../diagnosis/finding.ts";
import {
  caUnreadable,
  clientKeyMissing,
  daemonOlderThanStore,
  hostsTomlWithoutCa,
  noCertificate,
  nothingTrusts,
  otherPortTrusted,
  podmanShadowed,
  wrongCa,
  wrongEnding,
  wrongFolder,
} from "../diagnosis/trust-findings.ts";
import { strangeIssuer } from "../diagnosis/certificate-findings.ts";
import { leadsTo, readCertificates, shortName } from "../pki/trust-path.ts";
import type { SeenFile } from "./client-machine.ts";
import { type Examination, examined } from "./examination.ts";
import { isSameServer, type RegistryReference } from "./registry-reference.ts";
import type { TrustFacts, TrustFolder, TrustStore } from "./trust-facts.ts";

/** What is to be judged: the chain that the registry showed, by the files of this machine. */
export interface TrustQuestion {
  readonly reference: RegistryReference;
  readonly chain: readonly X509Certificate[];
  readonly facts: TrustFacts;
  readonly now: number;
  /** Docker and containerd check no certificate of a name that leads to loopback. */
  readonly isLoopback: boolean;
}

/** What was found out about trust: the examinations, and whether anything here vouches for the chain. */
export interface TrustVerdict {
  readonly examinations: readonly Examination[];
  readonly isTrusted: boolean;
}

/** Judges each client that is there; where there is none, the system's store. */
export function checkTrust(question: TrustQuestion): TrustVerdict {
  const { facts, reference } = question;
  const inSystem = facts.systemStore !== undefined && vouches(question, facts.systemStore.text ?? "");
  const judgements = [
    facts.has.docker && !question.isLoopback ? judgeDocker(question, inSystem) : undefined,
    facts.has.podman ? judgePodman(question, inSystem) : undefined,
    facts.has.containerd && !question.isLoopback ? judgeStores(question, "containerd", inSystem) : undefined,
  ].filter((each) => each !== undefined);
  const system = inSystem ? `${facts.systemStore?.path ?? ""} has the CA` : "the system's store does not have the CA";
  const isTrusted = inSystem || judgements.some((each) => each.isTrusted) || storesVouch(question);
  const alone =
    judgements.length === 0 && !isTrusted && !question.isLoopback
      ? [nothingTrusts({ registry: reference.registry, client: "This machine", file: "its certificate store" })]
      : [];
  return {
    isTrusted,
    examinations: [
      ...judgements.map(({ client, seen, findings }) => examined(`trust of ${client}`, seen, findings)),
      examined("trust of the system", system, [...alone, ...(inSystem ? oldDaemons(question) : [])]),
    ],
  };
}

interface Judgement {
  readonly client: string;
  readonly seen: string;
  readonly isTrusted: boolean;
  readonly findings: readonly Finding[];
}

/** Rootful and rootless have folders of their own; one that is not used has none. */
function judgeDocker(question: TrustQuestion, inSystem: boolean): Judgement {
  const rootless = question.facts.stores.filter(({ client }) => client === "rootless-docker");
  const used = rootless.some(({ folders }) => folders.length > 0);
  const main = judgeStores(question, "docker", inSystem);
  if (!used) return main;
  const other = judgeStores(question, "rootless-docker", inSystem);
  return { ...main, isTrusted: main.isTrusted || other.isTrusted, findings: [...main.findings, ...other.findings] };
}

const titles: Readonly<Record<TrustStore["client"], string>> = {
  docker: "Docker",
  "rootless-docker": "rootless Docker",
  podman: "podman",
  containerd: "containerd",
};

function judgeStores(question: TrustQuestion, kind: TrustStore["client"], inSystem: boolean): Judgement {
  const stores = question.facts.stores.filter(({ client }) => client === kind);
  const folders = stores.flatMap((store) => store.folders);
  const exact = folders.find((folder) => isFolderOf(question.reference, kind, folder.name));
  const findings = exact === undefined ? misnamed(question, stores) : judgeFolder(question, kind, exact);
  const isTrusted = inSystem || (exact !== undefined && folderVouches(question, kind, exact));
  const parent = stores[0]?.path ?? "";
  const missing = nothingTrusts({
    registry: question.reference.registry,
    client: titles[kind],
    file: `${parent}/${question.reference.registry}/ca.crt`,
  });
  return {
    client: titles[kind],
    seen: isTrusted ? `trusted by ${inSystem ? "the system's store" : (exact?.path ?? "")}` : "not trusted",
    isTrusted,
    findings: isTrusted ? findings.filter(stillMatters) : findings.length > 0 ? findings : [missing],
  };
}

/** The first folder that exists counts, and no other. */
function judgePodman(question: TrustQuestion, inSystem: boolean): Judgement {
  const order = question.facts.stores.filter(({ client }) => client === "podman" || client === "docker");
  const byOrder = [
    ...order.filter(({ client }) => client === "podman"),
    ...order.filter((each) => each.client === "docker"),
  ];
  const found = byOrder.flatMap((store) =>
    store.folders.filter(({ name }) => isFolderOf(question.reference, "podman", name)),
  );
  const [first, ...hidden] = found;
  const isTrusted = inSystem || (first !== undefined && folderVouches(question, "podman", first));
  const seen = isTrusted ? `trusted by ${inSystem ? "the system's store" : (first?.path ?? "")}` : "not trusted";
  if (isTrusted) return { client: titles.podman, seen, isTrusted, findings: [] };
  const right = hidden.find((folder) => folderVouches(question, "podman", folder));
  if (first !== undefined && right !== undefined) {
    const findings = [podmanShadowed({ folder: first.path, hidden: right.path })];
    return { client: titles.podman, seen, isTrusted, findings };
  }
  const { registry } = question.reference;
  const missing = nothingTrusts({ registry, client: "podman", file: `/etc/containers/certs.d/${registry}/ca.crt` });
  const own = first === undefined ? misnamed(question, byOrder) : judgeFolder(question, "podman", first);
  return { client: titles.podman, seen, isTrusted, findings: own.length > 0 ? own : [missing] };
}

/** What breaks a client even where the CA is known otherwise. */
function stillMatters({ id }: Finding): boolean {
  return id === "ca-wrong-ending" || id === "client-key-missing" || id === "ca-unreadable";
}

function isFolderOf({ registry, host, port }: RegistryReference, kind: TrustStore["client"], name: string): boolean {
  return name === registry || (kind === "containerd" && name === `${host}_${port}_`);
}

/** Folders that were meant for this registry and are called otherwise: without the port, with the scheme, with 443. */
function misnamed(question: TrustQuestion, stores: readonly TrustStore[]): readonly Finding[] {
  const { reference } = question;
  return stores.flatMap((store) =>
    store.folders
      .filter(({ name }) => name !== reference.registry)
      .filter((folder) => folderVouches(question, store.client, folder) || isMangled(reference, folder.name))
      .map((folder) => misnamedFinding(question, store, folder)),
  );
}

function misnamedFinding(question: TrustQuestion, store: TrustStore, { path, name, files }: TrustFolder): Finding {
  const { reference } = question;
  const { registry } = reference;
  const right = `${store.path}/${registry}`;
  const authority = files.find((file) => file.path.endsWith(".crt") && vouches(question, file.text ?? ""));
  return authority !== undefined && isOtherPort(reference, name)
    ? otherPortTrusted({ file: authority.path, right: `${right}/ca.crt`, registry })
    : wrongFolder({ folder: path, right, registry });
}

/** `HOST:OTHER`, or the same as containerd writes it: a registry's right name, if not this one's. */
function isOtherPort(reference: RegistryReference, name: string): boolean {
  const { host } = reference;
  const rest = name.startsWith(host) ? name.slice(host.length) : "";
  return /^(?::[0-9]+|_[0-9]+_)$/.test(rest) && !isSameServer(reference, name);
}

/** The right host with something that no image name has, or the same server written otherwise. */
function isMangled(reference: RegistryReference, name: string): boolean {
  return /^https?[:_]/.test(name) || name === `${reference.host}${reference.port}` || isSameServer(reference, name);
}

function judgeFolder(question: TrustQuestion, kind: TrustStore["client"], folder: TrustFolder): readonly Finding[] {
  const { reference } = question;
  const authorities = folder.files.filter(({ path }) => path.endsWith(".crt"));
  const toml = kind === "containerd" ? folder.files.find(({ path }) => path.endsWith("/hosts.toml")) : undefined;
  const hasRight = authorities.some(({ text }) => vouches(question, text ?? ""));
  return [
    ...folder.files.flatMap((file) => clientPair(folder, file)),
    ...authorities
      .filter((file) => file.text === undefined || !file.isForEverybody)
      .map(({ path }) => caUnreadable({ file: path })),
    ...(toml !== undefined && !namesCa(toml.text ?? "")
      ? [hostsTomlWithoutCa({ file: toml.path, ca: `${folder.path}/ca.crt` })]
      : []),
    ...(hasRight
      ? []
      : authorities.filter(({ text }) => text !== undefined).map((file) => wrongContent(question, reference, file))),
  ];
}

function wrongContent(
  question: TrustQuestion,
  { registry }: RegistryReference,
  { path, text = "" }: SeenFile,
): Finding {
  const [held] = readCertificates(text);
  if (held === undefined) return noCertificate({ file: path });
  const issuer = question.chain[0]?.issuer ?? "";
  const seen =
    issuer
      .split("\n")
      .find((line) => line.startsWith("CN="))
      ?.slice(3) ?? issuer;
  // A registry that was set up anew is dozo's again; anybody else's name is that of a stranger on the way.
  if (shortName(held).startsWith("dozo root ") && !seen.startsWith("dozo "))
    return strangeIssuer({ registry, issuer: seen });
  return wrongCa({ registry, file: path, holds: shortName(held) });
}

/** `X.cert` needs `X.key`, and is no place for an authority. */
function clientPair(folder: TrustFolder, { path, text = "" }: SeenFile): readonly Finding[] {
  if (!path.endsWith(".cert")) return [];
  const stem = path.slice(0, -".cert".length);
  if (folder.files.some((file) => file.path === `${stem}.key`)) return [];
  const isAuthority = readCertificates(text).some((each) => each.ca);
  return [
    isAuthority
      ? wrongEnding({ file: path, right: `${stem}.crt` })
      : clientKeyMissing({ file: path, key: `${stem}.key` }),
  ];
}

function folderVouches(question: TrustQuestion, kind: TrustStore["client"], { files }: TrustFolder): boolean {
  const toml = kind === "containerd" ? files.find(({ path }) => path.endsWith("/hosts.toml")) : undefined;
  if (toml !== undefined && !namesCa(toml.text ?? "")) return false;
  return files.some(({ path, text }) => path.endsWith(".crt") && vouches(question, text ?? ""));
}

function storesVouch(question: TrustQuestion): boolean {
  const isOf = (store: TrustStore, { name }: TrustFolder): boolean =>
    isFolderOf(question.reference, store.client, name);
  return question.facts.stores.some((store) =>
    store.folders.some((folder) => isOf(store, folder) && folderVouches(question, store.client, folder)),
  );
}

function vouches({ chain, reference, now }: TrustQuestion, pem: string): boolean {
  return leadsTo(chain, readCertificates(pem), { name: reference.host, now }) !== undefined;
}

function namesCa(toml: string): boolean {
  return /^\s*ca\s*=/m.test(toml);
}

/** Daemons read the system's store once; folders of single registries they read each time. */
function oldDaemons(question: TrustQuestion): readonly Finding[] {
  const { systemStore, daemons } = question.facts;
  if (systemStore === undefined || storesVouch(question)) return [];
  return daemons
    .filter(({ startedAt }) => startedAt < systemStore.changedAt)
    .map(({ name }) => daemonOlderThanStore({ daemon: name === "dockerd" ? "docker" : name }));
}
