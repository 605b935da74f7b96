import { firstGroup, type KnownError, nameOf, placeOf } from "./known-error.ts";
import { loginCommand } from "./login-command.ts";

const host = String.raw`([A-Za-z0-9_][A-Za-z0-9_.-]*[A-Za-z0-9_])`;
const withoutPort = (registry: string): string => registry.replace(/:\d+$/, "");

/** What stands between a client and the registry: names, ports, firewalls, proxies, a server without TLS. */
export const knownConnectionErrors: readonly KnownError[] = [
  {
    id: "proxy-in-the-way",
    pattern:
      /\bproxyconnect\b|\bERR_PROXY_|\bERR_TUNNEL_CONNECTION_FAILED\b|\b407 Proxy Authentication|Received HTTP code \d+ from proxy/,
    covers: ["connection-refused", "timeout", "name-not-found", "no-tls-on-that-port"],
    explain: (line) => {
      const name = withoutPort(placeOf(line));
      return {
        what: `The client goes to ${nameOf(line)} through a proxy, and fails there.`,
        why: "HTTPS_PROXY is set, and the registry is not in NO_PROXY. A proxy that opens TLS also shows a certificate of its own.",
        fix:
          line.client === "docker"
            ? `sudo mkdir -p /etc/systemd/system/docker.service.d && printf '[Service]\\nEnvironment="NO_PROXY=${name}"\\n' | sudo tee /etc/systemd/system/docker.service.d/no-proxy.conf && sudo systemctl daemon-reload && sudo systemctl restart docker`
            : `export NO_PROXY="$NO_PROXY,${name}"`,
      };
    },
  },
  {
    id: "no-tls-on-that-port",
    pattern:
      /server gave HTTP response to HTTPS client|first record does not look like a TLS handshake|wrong[ _]version[ _]number|Unsupported or unrecognized SSL message|An unexpected TLS packet was received|\bERR_SSL_PROTOCOL_ERROR\b|\bSSL_ERROR_RX_RECORD_TOO_LONG\b|received corrupt message of type InvalidContentType|Does the server speak TLS on this port/i,
    explain: (line) => ({
      what: `${line.registry ?? "The server"} answers without TLS, and the client wants TLS.`,
      why: "The port is another program's, the listener has tls: off, or a proxy in front speaks plain HTTP there.",
      fix: `on the server: dozo status names its address; on the client: openssl s_client -connect ${withPort(placeOf(line))}`,
    }),
  },
  {
    id: "loopback-login-failed",
    pattern: /Get "https?:\/\/(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?\/v2\/": EOF/,
    explain: (line) => ({
      what: `Docker asked ${nameOf(line)} without TLS in the end; its first try, with TLS, was refused.`,
      why: "On loopback Docker falls back to HTTP after any failure and shows only that one. Most often the password was wrong.",
      fix: `${loginCommand("docker", placeOf(line))} (another password, on the server: dozo user passwd USER)`,
    }),
  },
  {
    id: "tls-port-asked-without-tls",
    pattern: /\bcurl: \(52\)|Empty reply from server|\bERR_EMPTY_RESPONSE\b/,
    explain: (line) => ({
      what: `${line.registry ?? "The server"} closed the connection without an answer.`,
      why: "So does a port for TLS that is asked with http:// in place of https://.",
      fix: `curl https://${placeOf(line)}/v2/`,
    }),
  },
  {
    id: "name-not-found",
    pattern: new RegExp(
      [
        `lookup ${host}.*(?:no such host|server misbehaving|Temporary failure)`,
        `getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ${host}`,
        String.raw`Could not resolve host: ${host}`,
        `UnknownHostException: ${host}`,
        String.raw`no such host|Name or service not known|Temporary failure in name resolution|\bERR_NAME_NOT_RESOLVED\b|nodename nor servname`,
      ].join("|"),
    ),
    explain: (line, match) => {
      const name = firstGroup(match) ?? withoutPort(placeOf(line));
      return {
        what: `The name ${name} does not resolve where the client runs.`,
        why: "Neither DNS nor the hosts file there knows it. A daemon and a build resolve names on their own machine, or in their own container.",
        fix: `getent hosts ${name}; without an answer: echo "ADDRESS ${name}" | sudo tee -a /etc/hosts (or an entry in DNS)`,
      };
    },
  },
  {
    id: "connection-refused",
    pattern: /connection refused|\bECONNREFUSED\b|\bERR_CONNECTION_REFUSED\b|curl: \(7\)/i,
    explain: (line) => ({
      what: `Nothing listens at ${nameOf(line)}.`,
      why: "The server does not run, listens on another port or on loopback alone, or a firewall rejects the connection.",
      fix: "on the server: dozo status names its address and whether it runs; dozo up --listen 0.0.0.0:PORT listens for others",
    }),
  },
  {
    id: "timeout",
    pattern:
      /context deadline exceeded|i\/o timeout|TLS handshake timeout|Client\.Timeout exceeded|\bETIMEDOUT\b|\bERR_(?:CONNECTION_)?TIMED_OUT\b|curl: \(28\)|Connection timed out|timed out|no route to host|network is unreachable|\bEHOSTUNREACH\b/i,
    explain: (line) => ({
      what: `${line.registry ?? "The registry"} does not answer.`,
      why: "A firewall drops the packets, the address is another machine's, or the server is overloaded.",
      fix: `on the client: curl -v --max-time 10 https://${placeOf(line)}/v2/ ; where it hangs before TLS, a firewall or the address is to blame`,
    }),
  },
];

function withPort(registry: string): string {
  return /:\d+$|:PORT$/.test(registry) ? registry : `${registry}:443`;
}
