import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mediaTypes } from "../../src/core/media-type.ts";
import { common, contentIn, indexOf, latest } from "./content.ts";
import { type Send, sender, told } from "./person.ts";
import { closed, people } from "./words.ts";
import { makeWorld, type World } from "./world.ts";

const a = contentIn("a/app");
const tag = (name: string): string => `/v2/a/app/manifests/${name}`;
let world: World;
let alice: Send;
let carol: Send;
let rita: Send;

beforeEach(async () => {
  world = await makeWorld(closed);
  alice = sender(world, "alice");
  carol = sender(world, "carol");
  rita = sender(world, "rita");
});

afterEach(() => world.close());

const headers = { "content-type": mediaTypes.ociIndex };

async function digestAt(reference: string): Promise<string | null> {
  return (await alice("HEAD", tag(reference))).headers.get("docker-content-digest");
}

describe("who may push and not overwrite", () => {
  test("AUTHZ-04: moves no tag, of whatever name, and sets one to what it is", async () => {
    for (const name of [latest, a.ownTag, "v1", "1", "_"]) {
      await alice("PUT", tag(name), { headers: { "content-type": mediaTypes.ociManifest }, body: a.image.text });

      expect(await told(carol("PUT", tag(name), { headers, body: indexOf("another").text }))).toBe("403 DENIED");
      expect(await digestAt(name)).toBe(a.image.digest);
      const same = { headers: { "content-type": mediaTypes.ociManifest }, body: a.image.text };
      expect(await told(carol("PUT", tag(name), same))).toBe("201");
    }
  });

  test("AUTHZ-05: sets none of several tags where one is there, in whatever order", async () => {
    const fresh = indexOf("another");
    for (const path of [
      `${fresh.digest}?tag=new&tag=${latest}`,
      `${fresh.digest}?tag=${latest}&tag=new`,
      `new?tag=${latest}`,
      `${latest}?tag=new`,
    ]) {
      expect(await told(carol("PUT", tag(path), { headers, body: fresh.text }))).toBe("403 DENIED");
      expect(await digestAt(latest)).toBe(a.image.digest);
      expect(await digestAt("new")).toBeNull();
      expect(await digestAt(fresh.digest)).toBeNull();
    }
  });

  test("AUTHZ-05: wins a new tag once, of a hundred that come at once", async () => {
    const documents = Array.from({ length: 100 }, (_, number) => indexOf(`number ${number}`));
    const answers = await Promise.all(
      documents.map(({ text }) => carol("PUT", tag("contested"), { headers, body: text })),
    );
    const won = documents.filter((_, number) => answers[number]?.status === 201);

    expect(won).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(99);
    expect(await digestAt("contested")).toBe(won[0]?.digest ?? "");
  });
});

describe("what deletes", () => {
  test("DEL-02: refuses who may only read, and who may only push", async () => {
    for (const send of [rita, carol])
      for (const path of [tag(latest), tag(a.image.digest), `/v2/a/app/blobs/${a.layer.digest}`])
        expect(await told(send("DELETE", path))).toBe("403 DENIED");
    expect(await told(rita("DELETE", "/v2/a/app/blobs/uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV"))).toBe("403 DENIED");
    expect(await digestAt(latest)).toBe(a.image.digest);
  });

  test("DEL-03: leaves what named the content as it was pushed, and a tag of it is gone or whole", async () => {
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [{ mediaType: mediaTypes.ociManifest, digest: a.image.digest, size: Buffer.byteLength(a.image.text) }],
    });
    expect(await told(alice("PUT", tag("list"), { headers, body: index }))).toBe("201");

    expect(await told(alice("DELETE", `/v2/a/app/blobs/${common.digest}`))).toBe("202");
    expect(await (await alice("GET", tag(latest))).text()).toBe(a.image.text);
    expect(await told(alice("GET", `/v2/a/app/blobs/${common.digest}`))).toBe("404 BLOB_UNKNOWN");
    expect(await told(alice("DELETE", tag(a.image.digest)))).toBe("202");
    expect(await (await alice("GET", tag("list"))).text()).toBe(index);
    expect(await told(alice("GET", tag(latest)))).toBe("404 MANIFEST_UNKNOWN");
    expect(await told(alice("GET", tag(a.image.digest)))).toBe("404 MANIFEST_UNKNOWN");
  });
});

describe("AUTHZ-06: what is beside the registry", () => {
  test("is not there, for anybody, or tells nothing but that the process serves", async () => {
    const names = [undefined, ...people.map(({ name }) => name)];
    for (const name of names) {
      const send = sender(world, name);
      for (const path of ["/metrics", "/debug/pprof/heap", "/debug/vars", "/healthz", "/health", "/json/list", "/api/"])
        expect(await told(send("GET", path))).toBe("404 NAME_UNKNOWN");
      expect(await (await send("GET", "/livez")).text()).toBe("ok\n");
    }
  });
});

describe("AUTHZ-03: a pattern", () => {
  const names = ["a", "ab/x", "a/b/c", "a.b/x", "a-b/x", "a/app"];
  test.each([
    ["a/*", ["a/app"]],
    ["a/**", ["a/b/c", "a/app"]],
    ["a.b/*", ["a.b/x"]],
    ["a*/*", ["ab/x", "a.b/x", "a-b/x", "a/app"]],
    ["a*/**", ["ab/x", "a/b/c", "a.b/x", "a-b/x", "a/app"]],
    ["**", names],
    ["*", ["a"]],
    ["a", ["a"]],
  ])("%s is about these repositories and no others", async (repositories, about) => {
    await world.administration.addRule({ effect: "allow", who: "again", actions: ["pull"], repositories });
    const checked = names.map(async (repository) => {
      const answer = await world.administration.checkAccess({ who: "again", action: "pull", repository });
      return answer.isAllowed ? [repository] : [];
    });

    expect((await Promise.all(checked)).flat()).toEqual(about);
  });
});
