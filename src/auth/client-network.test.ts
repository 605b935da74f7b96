import { expect, test } from "bun:test";

import { networkOf } from "./client-network.ts";

test.each([
  ["192.0.2.1", "192.0.2.0/24"],
  ["192.0.2.255", "192.0.2.0/24"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:1:2::", "2001:db8:1:2::/64"],
  ["2001:db8::6", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
])("AUTH-09: guesses from %s are counted for %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([
  "::ffff:192.0.2.9",
  "::ffff:c000:209",
  "0:0:0:0:0:FFFF:192.0.2.9",
  "64:ff9b::192.0.2.9",
  "64:ff9b::c000:209",
])("AUTH-09: %s is counted as the IPv4 address inside it, not with everybody else's", (address) => {
  expect(networkOf(address)).toBe("192.0.2.0/24");
});

test.each([undefined, "", "unix", "1.2.3"])("AUTH-09: %p has a network, too", (address) => {
  expect(networkOf(address)).toBe(networkOf(address));
  expect(networkOf(address)).not.toContain("/");
});
