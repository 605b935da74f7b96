import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Finding } from "../diagnosis/finding.ts";
import { checkPrograms } from "./program-checks.ts";
import { seePrograms } from "./program-facts.ts";
import { parseRegistryReference } from "./registry-reference.ts";

const basic = 'Basic realm="dozo"';
const bearer = 'Bearer realm="https://registry.lan:5000/token"';

let root: string;
let answers: Record<string, string>;
let environment: Record<string, string>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "dozo-programs-"));
  answers = {};
  environment = { PATH: "/usr/bin" };
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(root + path), { recursive: true });
  writeFileSync(root + path, text);
}

/** A program that answers the same whatever it is asked. */
function install(program: string, answer: string): void {
  put(`/usr/bin/${program}`, "");
  answers[program] = answer;
}

function logIn(spelling: string): void {
  put("/home/maria/.docker/config.json", JSON.stringify({ auths: { [spelling]: { auth: "bWFyaWE6c2VjcmV0" } } }));
}

function run(program: string): Promise<string | undefined> {
  return Promise.resolve(answers[program]);
}

async function look(challenge = basic, registry = "registry.lan:5000"): Promise<readonly Finding[]> {
  const reference = parseRegistryReference(registry);
  if (typeof reference === "string") throw new Error(reference);
  const facts = await seePrograms({ root, home: "/home/maria", environment, now: () => 0, run });
  return checkPrograms(reference, facts, challenge).flatMap(({ findings }) => findings);
}

const ids = async (challenge?: string, registry?: string): Promise<readonly string[]> =>
  (await look(challenge, registry)).map(({ id }) => id);

describe("programs on a machine that is in order", () => {
  test("are not complained of", async () => {
    install("docker", "28.2.2 io.containerd.snapshotter.v1");
    install("podman", "podman version 4.3.1");
    install("curl", "curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1");
    logIn("registry.lan:5000");

    expect(await look()).toEqual([]);
  });

  test("may list other registries as insecure, and have other proxies' exceptions", async () => {
    put("/etc/docker/daemon.json", '{"insecure-registries": ["old.lan:5000", "10.0.0.0/8"]}');
    environment = { ...environment, HTTPS_PROXY: "http://proxy.lan:3128", NO_PROXY: "localhost,.lan" };

    expect(await look()).toEqual([]);
  });

  test("may have a login as older versions of Docker wrote it", async () => {
    install("docker", "20.10.24");
    logIn("https://registry.lan:5000/v1/");

    expect(await look()).toEqual([]);
  });

  test("keep a password to themselves when their file is broken", async () => {
    put("/home/maria/.docker/config.json", '{"auths": {"registry.lan:5000": {"auth": "bWFyaWE6c2VjcmV0"');

    expect(JSON.stringify(await look())).not.toContain("bWFyaWE6c2VjcmV0");
  });
});

describe("a planted fault of programs is found:", () => {
  test.each(["28.0.4", "28.5.2", "29.4.3"])(
    "Docker %s with the containerd store, where tokens are asked for",
    async (version) => {
      install("docker", `${version} io.containerd.snapshotter.v1`);
      logIn("registry.lan:5000");

      expect(await ids(bearer)).toEqual(["docker-token-trap"]);
      expect(await ids(basic)).toEqual([]);
    },
  );

  test.each(["27.5.1", "29.5.0"])("Docker %s has that trap no more, or not yet", async (version) => {
    install("docker", `${version} io.containerd.snapshotter.v1`);
    logIn("registry.lan:5000");

    expect(await ids(bearer)).toEqual([]);
  });

  test("a daemon on another machine", async () => {
    install("docker", "28.2.2");
    logIn("registry.lan:5000");
    environment = { ...environment, DOCKER_HOST: "tcp://build.lan:2376" };

    expect(await ids()).toEqual(["docker-elsewhere"]);
  });

  test("a curl that cannot check the server's key", async () => {
    install("curl", "curl 7.29.0 (x86_64-redhat-linux-gnu) libcurl/7.29.0");

    expect(await ids()).toEqual(["version-too-old"]);
  });

  test("a registry that Docker is told not to verify", async () => {
    put("/etc/docker/daemon.json", '{"insecure-registries": ["registry.lan:5000"]}');

    expect(await ids()).toEqual(["insecure-registry"]);
  });

  test("a registry that podman is told not to verify", async () => {
    const file =
      '[[registry]]\nlocation = "docker.io"\n\n[[registry]]\nlocation = "registry.lan:5000"\ninsecure = true\n';
    put("/etc/containers/registries.conf.d/50-lan.conf", file);

    expect(await ids()).toEqual(["insecure-registry"]);
  });

  test("a daemon.json that is not JSON", async () => {
    put("/etc/docker/daemon.json", "{ insecure-registries: [] }");

    expect(await ids()).toEqual(["configuration-unreadable"]);
  });

  test.each([
    [
      "written so",
      '[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "/etc/containerd/certs.d:/etc/docker/certs.d"\n',
    ],
    ["by default, from 2.2 on", "version = 3\n"],
  ])("containerd's config_path of two folders, %s", async (_, config) => {
    install("kubelet", "");
    install("containerd", "containerd github.com/containerd/containerd/v2 v2.2.1");
    put("/etc/containerd/config.toml", config);

    expect(await ids()).toEqual(["containerd-config-path-colon"]);
  });

  test("an older containerd without a config_path, and only for Kubernetes", async () => {
    install("containerd", "containerd github.com/containerd/containerd v1.7.24");
    expect(await ids()).toEqual([]);

    install("kubelet", "");
    expect(await ids()).toEqual(["containerd-config-path-missing"]);
  });

  test("a proxy for everything, the registry too", async () => {
    environment = { ...environment, https_proxy: "http://proxy.lan:3128", NO_PROXY: "localhost" };

    expect(await ids()).toEqual(["proxy-in-the-way"]);
  });

  test("a login without the port", async () => {
    install("docker", "28.2.2");
    logIn("registry.lan");

    const [finding, ...rest] = await look();

    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ id: "login-other-spelling", fix: "docker login registry.lan:5000" });
  });

  test("a login with :443 for images that are written without it", async () => {
    install("docker", "28.2.2");
    logIn("registry.lan:443");

    expect(await ids(basic, "registry.lan")).toEqual(["login-other-spelling"]);
  });

  test("no login at all", async () => {
    install("podman", "podman version 4.3.1");

    expect((await look())[0]).toMatchObject({ id: "not-logged-in", fix: "podman login registry.lan:5000" });
  });

  test("a credential helper that is not installed", async () => {
    install("docker", "28.2.2");
    const config = { credsStore: "desktop", auths: { "registry.lan:5000": {} } };
    put("/home/maria/.docker/config.json", JSON.stringify(config));

    expect(await ids()).toEqual(["credential-helper-missing"]);
  });
});
