import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Finding } from "../diagnosis/finding.ts";
import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  issueServerCertificate,
} from "../pki/certificate-authority.ts";
import { readCertificates } from "../pki/trust-path.ts";
import type { ClientMachine } from "./client-machine.ts";
import { parseRegistryReference } from "./registry-reference.ts";
import { checkTrust } from "./trust-checks.ts";
import { seeTrust } from "./trust-facts.ts";

const now = Date.UTC(2026, 10, 23);
const scope = { hostNames: ["registry.lan"], suffixes: [], publicAddresses: [] };

let root: string;
let own: CertificateAuthority;
let other: CertificateAuthority;
let served: readonly X509Certificate[];
let chain: readonly X509Certificate[];

beforeAll(async () => {
  [own, other] = await Promise.all([createAuthority(scope, now), createAuthority(scope, now)]);
  const serverKeyPem = await createServerKey();
  served = readCertificates(await issueServerCertificate(own, { names: ["registry.lan"], serverKeyPem, now }));
});

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "dozo-trust-"));
  chain = served;
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): string {
  const file = root + path;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

function install(...programs: readonly string[]): void {
  for (const program of programs) put(`/usr/bin/${program}`, "");
}

function look(registry = "registry.lan:5000"): readonly Finding[] {
  const reference = parseRegistryReference(registry);
  if (typeof reference === "string") throw new Error(reference);
  const machine: ClientMachine = {
    root,
    home: "/home/maria",
    environment: { PATH: "/usr/bin" },
    now: () => now,
    run: () => Promise.resolve(undefined),
  };
  const facts = seeTrust(machine, reference);
  const { examinations } = checkTrust({ reference, chain, facts, now, isLoopback: false });
  return examinations.flatMap(({ findings }) => findings);
}

const ids = (findings: readonly Finding[]): readonly string[] => findings.map(({ id }) => id);

describe("a client that trusts the registry", () => {
  test.each([
    ["Docker by its folder", "dockerd", "/etc/docker/certs.d/registry.lan:5000/ca.crt"],
    ["podman by Docker's folder", "podman", "/etc/docker/certs.d/registry.lan:5000/ca.crt"],
    ["podman by its own", "podman", "/etc/containers/certs.d/registry.lan:5000/ca.crt"],
    ["skopeo by the person's", "skopeo", "/home/maria/.config/containers/certs.d/registry.lan:5000/ca.crt"],
    ["containerd by its folder", "kubelet", "/etc/containerd/certs.d/registry.lan:5000/ca.crt"],
    ["containerd by the name without colons", "nerdctl", "/etc/containerd/certs.d/registry.lan_5000_/ca.crt"],
    ["every client by the system's store", "dockerd", "/etc/ssl/certs/ca-certificates.crt"],
  ])("is not complained of: %s", (_, program, file) => {
    install(program);
    put(file, own.rootPem);

    expect(look()).toEqual([]);
  });

  test("may have other certificates beside the right one", () => {
    install("dockerd");
    put("/etc/docker/certs.d/registry.lan:5000/old.crt", other.rootPem);
    put("/etc/docker/certs.d/registry.lan:5000/ca.crt", own.rootPem);

    expect(look()).toEqual([]);
  });

  test("by a hosts.toml that names the file is not complained of", () => {
    install("kubelet");
    put("/etc/containerd/certs.d/registry.lan:5000/ca.crt", own.rootPem);
    put(
      "/etc/containerd/certs.d/registry.lan:5000/hosts.toml",
      '[host."https://registry.lan:5000"]\n  ca = "/etc/containerd/certs.d/registry.lan:5000/ca.crt"\n',
    );

    expect(look()).toEqual([]);
  });
});

describe("a planted fault of trust is found:", () => {
  test("nothing was installed", () => {
    install("dockerd", "podman");

    expect(ids(look())).toEqual(["unknown-authority", "unknown-authority"]);
  });

  test("a machine without a client and without the CA", () => {
    expect(ids(look())).toEqual(["unknown-authority"]);
  });

  test("another CA in certs.d", () => {
    install("dockerd");
    put("/etc/docker/certs.d/registry.lan:5000/ca.crt", other.rootPem);

    const [finding, ...rest] = look();

    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ id: "ca-wrong", severity: "error" });
    expect(finding?.what).toContain("/etc/docker/certs.d/registry.lan:5000/ca.crt holds dozo root ");
  });

  test("a page of an error saved as ca.crt", () => {
    install("dockerd");
    put("/etc/docker/certs.d/registry.lan:5000/ca.crt", "<html>404</html>");

    expect(ids(look())).toEqual(["ca-not-a-certificate"]);
  });

  test("the CA under the ending of client certificates", () => {
    install("dockerd");
    put("/etc/docker/certs.d/registry.lan:5000/ca.cert", own.rootPem);

    const [finding] = look();

    expect(finding?.id).toBe("ca-wrong-ending");
    expect(finding?.fix).toBe(
      "sudo mv /etc/docker/certs.d/registry.lan:5000/ca.cert /etc/docker/certs.d/registry.lan:5000/ca.crt",
    );
  });

  test("the wrong ending also where another file is right, since clients stop at it", () => {
    install("dockerd");
    put("/etc/docker/certs.d/registry.lan:5000/ca.crt", own.rootPem);
    put("/etc/docker/certs.d/registry.lan:5000/ca.cert", own.rootPem);

    expect(ids(look())).toEqual(["ca-wrong-ending"]);
  });

  test("a client certificate without its key", () => {
    install("dockerd");
    put("/etc/docker/certs.d/registry.lan:5000/ca.crt", own.rootPem);
    put("/etc/docker/certs.d/registry.lan:5000/client.cert", chain[0]?.toString() ?? "");

    expect(ids(look())).toEqual(["client-key-missing"]);
  });

  test.each([
    ["without the port", "registry.lan"],
    ["with the scheme", "https:__registry.lan:5000"],
    ["without the colon", "registry.lan5000"],
  ])("a folder %s", (_, name) => {
    install("dockerd");
    put(`/etc/docker/certs.d/${name}/ca.crt`, own.rootPem);

    const [finding, ...rest] = look();

    expect(rest).toEqual([]);
    expect(finding?.id).toBe("ca-wrong-folder");
    expect(finding?.fix).toBe(`sudo mv /etc/docker/certs.d/${name} /etc/docker/certs.d/registry.lan:5000`);
  });

  test("a folder with :443 for images that are written without it", () => {
    install("dockerd");
    put("/etc/docker/certs.d/registry.lan:443/ca.crt", own.rootPem);

    expect(ids(look("registry.lan"))).toEqual(["ca-wrong-folder"]);
  });

  test.each([
    ["dockerd", "/etc/docker/certs.d", "registry.lan:6000"],
    ["kubelet", "/etc/containerd/certs.d", "registry.lan:6000"],
    ["kubelet", "/etc/containerd/certs.d", "registry.lan_6000_"],
  ])("the CA for another port only: %s, %s/%s stays as it is", (program, store, name) => {
    install(program);
    put(`${store}/${name}/ca.crt`, own.rootPem);

    const [finding, ...rest] = look();

    expect(rest).toEqual([]);
    expect(finding?.id).toBe("ca-other-port");
    expect(finding?.fix).toBe(`sudo install -D -m 644 ${store}/${name}/ca.crt ${store}/registry.lan:5000/ca.crt`);
  });

  test("the folder of another registry on the same host is not taken for a mistake", () => {
    install("dockerd");
    put("/etc/docker/certs.d/registry.lan:6000/ca.crt", other.rootPem);

    expect(ids(look())).toEqual(["unknown-authority"]);
  });

  test("an empty folder of the person's that hides the right one from podman", () => {
    install("podman");
    mkdirSync(`${root}/home/maria/.config/containers/certs.d/registry.lan:5000`, { recursive: true });
    put("/etc/docker/certs.d/registry.lan:5000/ca.crt", own.rootPem);

    const [finding, ...rest] = look();

    expect(rest).toEqual([]);
    expect(finding?.id).toBe("podman-shadowed");
    expect(finding?.fix).toStartWith("rm -r /home/maria/.config/containers/certs.d/registry.lan:5000,");
  });

  test("a hosts.toml without a ca beside a ca.crt", () => {
    install("kubelet");
    put("/etc/containerd/certs.d/registry.lan:5000/ca.crt", own.rootPem);
    put("/etc/containerd/certs.d/registry.lan:5000/hosts.toml", 'server = "https://registry.lan:5000"\n');

    expect(ids(look())).toEqual(["hosts-toml-without-ca"]);
  });

  test("a ca.crt that only its owner may read", () => {
    install("dockerd");
    chmodSync(put("/etc/docker/certs.d/registry.lan:5000/ca.crt", own.rootPem), 0o600);

    expect(ids(look())).toEqual(["ca-unreadable"]);
  });

  test("somebody else's certificate where dozo's CA is installed: TLS is opened on the way", () => {
    install("dockerd");
    put("/etc/docker/certs.d/registry.lan:5000/ca.crt", own.rootPem);
    chain = readCertificates(publicCertificate);

    const [finding] = look();

    expect(finding?.id).toBe("strange-issuer");
    expect(finding?.what).toContain("signed by Gateway of the firm");
  });

  test("a daemon that runs since before the CA came into the system's store", () => {
    install("dockerd");
    const store = put("/etc/ssl/certs/ca-certificates.crt", own.rootPem);
    utimesSync(store, now / 1000, now / 1000);
    put("/proc/stat", `btime ${now / 1000 - 3600}\n`);
    put("/proc/77/comm", "dockerd\n");
    const fields = Array.from({ length: 30 }, () => "0").with(19, "100");
    put("/proc/77/stat", `77 (dockerd) ${fields.join(" ")}`);

    const [finding] = look();

    expect(finding).toMatchObject({ id: "daemon-older-than-store", fix: "sudo systemctl restart docker" });
  });
});

// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=Gateway of the firm" -addext subjectAltName=DNS:registry.lan -days 36500
const publicCertificate = `-----BEGIN CERTIFICATE-----
MIIBrTCCAVKgAwIBAgIUNwGyIm6rw0K7dJNH7h3bGoWZeBcwCgYIKoZIzj0EAwIw
HjEcMBoGA1UEAwwTR2F0ZXdheSBvZiB0aGUgZmlybTAgFw0yNjExMjMyMjM5NDha
GA8yMTI2MTAzMDIyMzk0OFowHjEcMBoGA1UEAwwTR2F0ZXdheSBvZiB0aGUgZmly
bTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGmSjWmWK68E6yl4IR1HzKKhsj9v
RI8eU8YN/lMGRXBXeWdA741jXG2faPe0EHSrQbAs1jhezumbJdxBlFzfktWjbDBq
MB0GA1UdDgQWBBTQi30SIDb6KcDm+QKrl+L4s7ffnTAfBgNVHSMEGDAWgBTQi30S
IDb6KcDm+QKrl+L4s7ffnTAPBgNVHRMBAf8EBTADAQH/MBcGA1UdEQQQMA6CDHJl
Z2lzdHJ5LmxhbjAKBggqhkjOPQQDAgNJADBGAiEA5kNRSQrB3/6qQYaD5sn3JfvW
vwip+AopzZRxaSVR3XMCIQDWiNkLq/jV1wPeO0he+fqY7bzLHRRMQCyxdnpFAimO
GA==
-----END CERTIFICATE-----
`;
