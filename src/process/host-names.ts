import { lookup, lookupService } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";

/** Everything that clients may call this machine. */
export interface HostNames {
  /** The host's own name and what stands before its domain. */
  readonly names: readonly string[];
  /** Loopback and LAN addresses, those of virtual bridges included. */
  readonly addresses: readonly string[];
  /** What to print for people: a name that leads here from elsewhere, else a LAN address, else `localhost`. */
  readonly publicHost: string;
  /** Of the operator's names those that do not lead here from other machines, as far as this one can tell. */
  readonly unreachable: readonly string[];
}

/** What is asked of the machine; a port, so that the choice can be tested. */
export interface HostFacts {
  readonly hostName: string;
  readonly addresses: readonly { readonly address: string; readonly interface: string; readonly internal: boolean }[];
  readonly defaultInterface: string | undefined;
  readonly inContainer: boolean;
  /** All addresses of a name; none when it does not resolve. */
  resolve(name: string): Promise<readonly string[]>;
  /** The names that an address has. */
  reverse(address: string): Promise<readonly string[]>;
}

/** Nothing here waits longer for a name server. */
const lookupTimeoutMs = 1000;

/** The names and addresses of this machine, with those that the operator gave in front. */
export async function findHostNames(hosts: readonly string[], facts: HostFacts = machineFacts()): Promise<HostNames> {
  const own = facts.addresses.filter(({ internal }) => !internal).map(({ address }) => address);
  const lan = preferredAddress(facts);
  const guesses = facts.inContainer ? [] : await guessNames(facts, lan);
  const names = unique([...guesses, facts.hostName.toLowerCase(), "localhost"].filter(isPlausibleName));
  // In a container the operator's names are known outside only.
  const reachable = facts.inContainer ? hosts : await reachableHosts(hosts, facts);
  return {
    names,
    addresses: unique([...facts.addresses.map(({ address }) => address), "127.0.0.1", "::1"]),
    publicHost:
      reachable[0] ??
      (await firstPublic(guesses, own, facts)) ??
      (facts.inContainer ? "localhost" : lan) ??
      "localhost",
    unreachable: hosts.filter((host) => !reachable.includes(host) && host !== "localhost" && !isLoopbackAddress(host)),
  };
}

/** Whether an address is this machine's own, for nobody else (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3). */
export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.");
}

/** Behind a router the address is not ours: any that is not loopback counts. */
async function reachableHosts(hosts: readonly string[], facts: HostFacts): Promise<readonly string[]> {
  const found = await Promise.all(hosts.map(async (host) => (isIP(host) === 0 ? facts.resolve(host) : [host])));
  return hosts.filter((_, index) => found[index]?.some((address) => !isLoopbackAddress(address)) === true);
}

async function firstPublic(
  guesses: readonly string[],
  own: readonly string[],
  facts: HostFacts,
): Promise<string | undefined> {
  for (const name of guesses) {
    // A name that was guessed has to lead here, not to a wildcard of some search domain.
    const addresses = await facts.resolve(name);
    if (addresses.some((address) => own.includes(address)) && !addresses.some(isLoopbackAddress)) return name;
  }
  return undefined;
}

async function guessNames(facts: HostFacts, lan: string | undefined): Promise<readonly string[]> {
  const name = facts.hostName.toLowerCase();
  const found = name.includes(".") ? [name] : [];
  const reversed = lan === undefined ? [] : await facts.reverse(lan);
  // The name server's word for the address counts when it is this host's name with a domain behind it.
  found.push(...reversed.map((each) => each.toLowerCase()).filter((each) => each.startsWith(`${name}.`)));
  return unique(
    [...found, ...canonicalNames(name), name].filter((each) => isPlausibleName(each) && each !== "localhost"),
  );
}

/** `/etc/hosts` gives the full name first: `127.0.1.1 box.example.com box`. */
function canonicalNames(name: string): readonly string[] {
  const lines = readText("/etc/hosts").split("\n");
  return lines
    .map((line) => line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/).slice(1))
    .filter((names) => names.includes(name))
    .flatMap((names) => names.filter((each) => each.startsWith(`${name}.`)));
}

function preferredAddress(facts: HostFacts): string | undefined {
  const outside = facts.addresses.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  const real = outside.filter((each) => !/^(?:docker|br-|veth|virbr|cni|podman|lxc|tun|tap)/.test(each.interface));
  const inOrder = [...outside.filter((each) => each.interface === facts.defaultInterface), ...real, ...outside];
  return (inOrder.find(({ address }) => isIP(address) === 4) ?? inOrder[0])?.address;
}

function isPlausibleName(name: string): boolean {
  return /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(name) && isIP(name) === 0;
}

function machineFacts(): HostFacts {
  const addresses = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? []).map(({ address, internal }) => ({ address, internal, interface: name })),
  );
  const route = readText("/proc/net/route")
    .split("\n")
    .map((line) => line.split("\t"))
    .find(([, to]) => to === "00000000");
  return {
    hostName: hostname(),
    addresses,
    defaultInterface: route?.[0],
    // The convention of container managers (systemd.io/CONTAINER_INTERFACE); dozo's image sets it.
    inContainer: process.env["container"] !== undefined,
    resolve: async (name) => withinTime(lookup(name, { all: true }).then((all) => all.map(({ address }) => address))),
    reverse: async (address) => withinTime(lookupService(address, 0).then(({ hostname: name }) => [name])),
  };
}

async function withinTime(work: Promise<readonly string[]>): Promise<readonly string[]> {
  const { promise, resolve } = Promise.withResolvers<readonly string[]>();
  const timer = setTimeout(resolve, lookupTimeoutMs, []);
  try {
    return await Promise.race([work.catch(() => []), promise]);
  } finally {
    clearTimeout(timer);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function unique(list: readonly string[]): readonly string[] {
  return [...new Set(list)];
}
