import type { Finding } from "./finding.ts";

// What keeps a client from reaching a registry at all. `host` is a name or an address, `registry` HOST or HOST:PORT.

/** The name has no address. */
export function nameUnknown({ host }: { readonly host: string }): Finding {
  return {
    id: "name-unknown",
    severity: "error",
    what: `This machine finds no address for the name ${host}.`,
    why: "Every client looks the name up first and goes no further (no such host).",
    fix: `add the name to your DNS, or for this machine alone: echo 'ADDRESS ${host}' | sudo tee -a /etc/hosts`,
  };
}

/** The name server gave no answer in time. */
export function nameServerSilent({ host }: { readonly host: string }): Finding {
  return {
    id: "name-server-silent",
    severity: "error",
    what: `No name server answered when this machine asked for ${host}.`,
    why: "Clients wait for it and then give up (i/o timeout, temporary failure in name resolution).",
    fix: "cat /etc/resolv.conf shows the name servers; they have to be reachable from this machine",
  };
}

/** The name leads to the machine that asks. */
export function nameIsLoopback({ host, address }: { readonly host: string; readonly address: string }): Finding {
  return {
    id: "name-is-loopback",
    severity: "warning",
    what: `${host} is this machine itself (${address}).`,
    why: "Docker and containerd check no certificates on loopback, so what works here proves nothing about other machines.",
    fix: "ask from another machine, or by the name that other machines use",
  };
}

/** Nobody listens. */
export function portClosed({ registry, host, port }: Place): Finding {
  return {
    id: "port-closed",
    severity: "error",
    what: `Nothing listens on port ${port} of ${host}.`,
    why: `Clients get "connection refused" for every image of ${registry}.`,
    fix: "start the server there (dozo status shows its address), or write the right port behind the name",
  };
}

/** Nothing comes back. */
export function portSilent({ registry, host, port }: Place): Finding {
  return {
    id: "port-silent",
    severity: "error",
    what: `${host} does not answer on port ${port}.`,
    why: `Clients of ${registry} wait and give up (i/o timeout); mostly a firewall drops the packets.`,
    fix: `open the port on that machine, with ufw: sudo ufw allow ${port}/tcp; with firewalld: sudo firewall-cmd --add-port=${port}/tcp --permanent --reload`,
  };
}

/** The network has no way there. */
export function hostUnreachable({ host, code }: { readonly host: string; readonly code: string }): Finding {
  return {
    id: "host-unreachable",
    severity: "error",
    what: `This machine has no way to ${host} (${code}).`,
    why: "No client here can reach the registry, whatever it trusts.",
    fix: "ip route shows the ways that this machine has; connect it to that network (or its VPN)",
  };
}

/** One of several addresses of the name does not work. */
export function addressFails({ host, address }: { readonly host: string; readonly address: string }): Finding {
  return {
    id: "address-fails",
    severity: "warning",
    what: `${host} has the address ${address} too, and nothing answers there.`,
    why: "Clients that try it first are slow or fail, now and then.",
    fix: `take ${address} out of the DNS for ${host}, or let the server listen there`,
  };
}

/** HTTP without TLS where TLS belongs. */
export function plainHttp({ registry }: { readonly registry: string }): Finding {
  return {
    id: "plain-http",
    severity: "error",
    what: `${registry} speaks plain HTTP, without TLS.`,
    why: 'Clients refuse it ("server gave HTTP response to HTTPS client"), and passwords would be readable on the way.',
    fix: "on the server leave out http:// in --listen; if a proxy ends TLS, name the proxy's port",
  };
}

/** Something else listens. */
export function notTls({ registry, reason }: { readonly registry: string; readonly reason: string }): Finding {
  return {
    id: "not-tls",
    severity: "error",
    what: `What listens at ${registry} does not speak TLS (${reason}).`,
    why: "It is another service, or something in between cuts the connection.",
    fix: "dozo status on the server shows the right address and port",
  };
}

/** TLS, but no registry behind it. */
export function notARegistry({ registry, answer }: { readonly registry: string; readonly answer: string }): Finding {
  return {
    id: "not-a-registry",
    severity: "error",
    what: `https://${registry}/v2/ is not answered by a registry (${answer}).`,
    why: "Clients ask there first; another web server has the port, or a proxy passes /v2/ to the wrong place.",
    fix: "name the registry's port (dozo status on the server), or let the proxy pass on / as a whole",
  };
}

/** A listener that lets in only clients with a certificate, and what it said. */
export function clientCertificateDemanded({
  registry,
  said,
}: {
  readonly registry: string;
  readonly said: string;
}): Finding {
  return {
    id: "client-certificate-demanded",
    severity: "warning",
    what: `${registry} demands a client certificate, and doctor shows none.`,
    why: `It answered: "${said}". Clients without one are refused there, whatever their login.`,
    fix: `on the server: dozo cert issue --client USER; on the client: its files beside ca.crt, as client.cert and client.key`,
  };
}

/** It is there and cannot work. */
export function registryFails({ registry, status }: { readonly registry: string; readonly status: number }): Finding {
  return {
    id: "registry-fails",
    severity: "error",
    what: `${registry} answers with ${status}.`,
    why:
      status === 502 || status === 504
        ? "The proxy in front does not reach the registry."
        : "The registry is there and cannot work; its log says why.",
    fix: "on the server: dozo doctor",
  };
}

/** An HTTP proxy stands in the environment and would be used for the registry too. */
export function proxyInTheWay({ host, variable }: { readonly host: string; readonly variable: string }): Finding {
  return {
    id: "proxy-in-the-way",
    severity: "warning",
    what: `${variable} is set and NO_PROXY does not name ${host}.`,
    why: "Clients send everything for the registry to that proxy, which may not reach it, or shows a certificate of its own.",
    fix: `export NO_PROXY="$NO_PROXY,${host}" (for a daemon: in its unit, systemctl edit docker)`,
  };
}

/** The two clocks do not agree. `differenceMs` is this machine's time less the server's. */
export function clocksDiffer({ differenceMs }: { readonly differenceMs: number }): Finding {
  const minutes = Math.round(Math.abs(differenceMs) / 60_000);
  return {
    id: "clocks-differ",
    severity: minutes > 60 ? "error" : "warning",
    what: `This machine's clock is ${minutes} minutes ${differenceMs > 0 ? "ahead of" : "behind"} the server's.`,
    why: "Certificates and tokens count as expired or not yet valid on the machine whose clock is wrong.",
    fix: "timedatectl set-ntp true, on the machine whose clock is wrong (date -u shows it)",
  };
}

interface Place {
  readonly registry: string;
  readonly host: string;
  readonly port: number | string;
}
