import { expect, test } from "bun:test";
import { findHostNames, type HostFacts, isLoopbackAddress } from "./host-names.ts";

const lan = { address: "10.1.2.3", interface: "eth0", internal: false };
const bridge = { address: "172.17.0.1", interface: "docker0", internal: false };
const loopback = { address: "127.0.0.1", interface: "lo", internal: true };

function machine(changes: Partial<HostFacts>, names: Readonly<Record<string, readonly string[]>> = {}): HostFacts {
  return {
    hostName: "thisbox",
    addresses: [loopback, bridge, lan],
    defaultInterface: "eth0",
    inContainer: false,
    resolve: (name) => Promise.resolve(names[name] ?? []),
    reverse: () => Promise.resolve([]),
    ...changes,
  };
}

test("a host name that resolves to loopback is not printed: the LAN address is", async () => {
  const { publicHost, names, addresses } = await findHostNames([], machine({}, { thisbox: ["127.0.1.1"] }));
  expect(publicHost).toBe("10.1.2.3");
  expect(names).toEqual(["thisbox", "localhost"]);
  expect(addresses).toEqual(expect.arrayContaining(["127.0.0.1", "::1", "10.1.2.3", "172.17.0.1"]));
});

test("a host name that leads here is printed, the full one first", async () => {
  const facts = machine(
    { reverse: () => Promise.resolve(["thisbox.example.com"]) },
    { "thisbox.example.com": ["10.1.2.3"], thisbox: ["10.1.2.3"] },
  );
  const { publicHost, names } = await findHostNames([], facts);
  expect(publicHost).toBe("thisbox.example.com");
  expect(names).toEqual(["thisbox.example.com", "thisbox", "localhost"]);
});

test("a host name that leads elsewhere is not printed", async () => {
  expect((await findHostNames([], machine({}, { thisbox: ["203.0.113.9"] }))).publicHost).toBe("10.1.2.3");
});

test("the operator's name comes first, even when its address is a router's", async () => {
  const facts = machine({}, { "registry.example.com": ["203.0.113.9"], "local.example.com": ["127.0.0.1"] });
  const hosts = ["local.example.com", "registry.example.com"];
  expect((await findHostNames(hosts, facts)).publicHost).toBe("registry.example.com");
});

test("another machine's name for our address is not taken for ours", async () => {
  const facts = machine({ reverse: () => Promise.resolve(["gateway.example.com"]) });
  expect((await findHostNames([], facts)).names).not.toContain("gateway.example.com");
});

test("in a container the random host name is not printed, and a given name is taken unseen", async () => {
  const facts = machine({ inContainer: true, hostName: "0f1e2d3c4b5a" }, { "0f1e2d3c4b5a": ["172.17.0.2"] });
  expect((await findHostNames([], facts)).publicHost).toBe("localhost");
  expect((await findHostNames(["registry.example.com"], facts)).publicHost).toBe("registry.example.com");
});

test("a machine without a network is localhost", async () => {
  expect((await findHostNames([], machine({ addresses: [loopback] }))).publicHost).toBe("localhost");
});

test("loopback addresses of both families are known", () => {
  for (const each of ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"]) expect(isLoopbackAddress(each)).toBe(true);
  for (const each of ["10.0.0.1", "fe80::1", "::"]) expect(isLoopbackAddress(each)).toBe(false);
});

test("a name of the operator's that does not lead here is told, and another one is used", async () => {
  const facts = machine({}, { "there.example.com": ["203.0.113.9"], "self.example.com": ["127.0.0.1"] });
  const hosts = ["not-yet.example.com", "self.example.com", "there.example.com", "localhost", "127.0.0.1"];
  const { publicHost, unreachable } = await findHostNames(hosts, facts);
  expect(publicHost).toBe("there.example.com");
  expect(unreachable).toEqual(["not-yet.example.com", "self.example.com"]);
});
