import { BlockList, isIP } from "node:net";

/** Finds out whose address a request counts for. */
export type ClientAddressReader = (
  socketAddress: string | undefined,
  forwardedFor: string | null,
) => string | undefined;

/**
 * With no trusted networks the answer is always the socket's address. If that lies in one of them (`10.0.0.0/8`,
 * `fd00::/8`; a Unix socket counts as `127.0.0.1`), the right-most address of `X-Forwarded-For` that lies in none is
 * the client's: what stands left of it anybody can have written. Where the chain has a part that is no address, or
 * consists of proxies only, the last address that was believed counts.
 */
export function createClientAddressReader(trustedProxies: readonly string[]): ClientAddressReader {
  if (trustedProxies.length === 0) return (socketAddress) => plainAddress(socketAddress);
  const isTrusted = createProxyTrust(trustedProxies);

  return (socketAddress, forwardedFor) => {
    const own = plainAddress(socketAddress);
    if (forwardedFor === null || !isTrusted(own)) return own;
    let believed = own;
    for (const hop of forwardedFor.slice(-maxForwardedLength).split(",").toReversed()) {
      const address = plainAddress(hop.trim());
      if (address === undefined || isIP(address) === 0) return believed;
      if (!isTrusted(address)) return address;
      believed = address;
    }
    return believed;
  };
}

/** Answers whether an address lies in one of these networks; a Unix socket, whose address is undefined, counts as `127.0.0.1`. */
export function createProxyTrust(trustedProxies: readonly string[]): (socketAddress: string | undefined) => boolean {
  const trusted = new BlockList();
  for (const network of trustedProxies) addNetwork(trusted, network);
  return (socketAddress) => {
    const address = plainAddress(socketAddress) ?? "127.0.0.1";
    return trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  };
}

/** What a proxy in front adds stands at the end; more than this is no honest chain. */
const maxForwardedLength = 1024;

function addNetwork(list: BlockList, network: string): void {
  const [address = "", prefix] = network.split("/");
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  list.addSubnet(address, prefix === undefined ? (family === "ipv6" ? 128 : 32) : Number(prefix), family);
}

/** IPv4 addresses arrive in IPv6 form on a socket that takes both. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith("::ffff:") === true && address.includes(".") ? address.slice(7) : address;
}
