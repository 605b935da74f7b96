import { isIP } from "node:net";

/** The first six groups of `::ffff:0:0/96` and of `64:ff9b::/96`. */
const withIpv4Inside = new Set([[0, 0, 0, 0, 0, 0xffff].join(), [0x64, 0xff9b, 0, 0, 0, 0].join()]);

/**
 * The network that an address stands for where guesses are counted: the /24 of IPv4, the /64 of IPv6, which is the least that
 * one customer of a provider has to change addresses in. IPv4 inside IPv6 (`::ffff:0:0/96`, and NAT64's `64:ff9b::/96`, RFC 6052)
 * counts as IPv4. Whoever comes over a Unix socket, or with what is no address, is of one and the same network.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return "this machine";
  const family = isIP(address);
  if (family === 4) return network24(address.split(".").map(Number));
  if (family !== 6) return "an unknown network";
  const groups = groupsOf(address);
  const [first = 0, second = 0, third = 0, fourth = 0, , , seventh = 0, eighth = 0] = groups;
  if (withIpv4Inside.has(groups.slice(0, 6).join())) return network24([seventh >> 8, seventh & 0xff, eighth >> 8]);
  return `${[first, second, third, fourth].map((group) => group.toString(16)).join(":")}::/64`;
}

function network24([a = 0, b = 0, c = 0]: readonly number[]): string {
  return `${a}.${b}.${c}.0/24`;
}

/** The eight groups of a well-formed IPv6 address, whatever it is written like. */
function groupsOf(address: string): number[] {
  const [plain = ""] = address.split("%");
  const [front = [], back] = plain.split("::").map((half) => half.split(":").filter(Boolean).flatMap(groupsIn));
  if (back === undefined) return front;
  return [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
}

/** One group; two where the end is written as an IPv4 address. */
function groupsIn(part: string): number[] {
  if (!part.includes(".")) return [Number.parseInt(part, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
  return [a * 256 + b, c * 256 + d];
}
