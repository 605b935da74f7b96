import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { RepositoryName } from "../../src/core/repository-name.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { type Content, contentIn, imageOf, indexOf, latest, nowhere } from "./content.ts";
import { type Send, sender, told } from "./person.ts";
import { closed } from "./words.ts";
import { makeWorld, type World } from "./world.ts";

// A: a blob that only a/app has. Z: one that nobody has. Bob may do everything in b/*, and knows nothing of a/*.

const a = contentIn("a/app");
const A = a.layer;
const Z = nowhere;
let world: World;
let alice: Send;
let bob: Send;

beforeEach(async () => {
  world = await makeWorld(closed);
  alice = sender(world, "alice");
  bob = sender(world, "bob");
});

afterEach(() => world.close());

const uploads = (repository: string): string => `/v2/${repository}/blobs/uploads/`;
const asImage = { "content-type": mediaTypes.ociManifest };
const asIndex = { "content-type": mediaTypes.ociIndex };

function push(send: Send, repository: string, { digest, text }: Content): Promise<string> {
  return told(send("POST", `${uploads(repository)}?digest=${digest}`, { body: text }));
}

async function headersOf({ digest }: Content): Promise<string> {
  const headers = [...(await bob("GET", `/v2/b/app/blobs/${digest}`)).headers];
  return JSON.stringify(headers.filter(([name]) => name !== "x-request-id"));
}

describe("a blob that another repository has", () => {
  test("LEAK-01: is as absent as one that nobody has, and no mount that may not pull it brings it in", async () => {
    const seen: Record<string, string[]> = { A: [], Z: [] };
    for (const [name, { digest }] of [["A", A] as const, ["Z", Z] as const]) {
      const blob = `/v2/b/app/blobs/${digest}`;
      const look = async (): Promise<number> => seen[name]?.push(await told(bob("GET", blob))) ?? 0;
      await look();
      for (const from of ["&from=a/app", "", "&from=a/nothing"]) {
        seen[name]?.push(await told(bob("POST", `${uploads("b/app")}?mount=${digest}${from}`)));
        await look();
      }
      expect((await bob("HEAD", blob)).status).toBe(404);
    }

    expect(seen["A"]).toEqual(seen["Z"] ?? []);
    expect(seen["A"]?.filter((each) => each !== "404 BLOB_UNKNOWN")).toEqual(["202", "202", "202"]);
    expect(await world.metadata.findBlob("b/app" as RepositoryName, A.digest)).toBeUndefined();
  });

  test("LEAK-02: is mounted by who may pull it there, named or not, and not by who may only push", async () => {
    const mounted = await alice("POST", `${uploads("a/two")}?mount=${A.digest}&from=a/app`);
    const unnamed = await alice("POST", `${uploads("a/non")}?mount=${A.digest}`);
    const pams = await told(sender(world, "pam")("POST", `${uploads("b/app")}?mount=${A.digest}&from=a/app`));

    expect([mounted.status, unnamed.status]).toEqual([201, 201]);
    expect(mounted.headers.get("location")).toBe(`/v2/a/two/blobs/${A.digest}`);
    expect(await (await alice("GET", `/v2/a/two/blobs/${A.digest}`)).text()).toBe(A.text);
    expect(pams).toBe("202");
  });

  test("LEAK-03: is not brought in by a manifest that names it", async () => {
    const put = (layer: Content): Promise<Response> =>
      bob("PUT", "/v2/b/app/manifests/x", { headers: asImage, body: imageOf([layer], "theft").text });
    const [ofA, ofZ] = await Promise.all([put(A), put({ digest: Z.digest, text: A.text })]);
    const [textA, textZ] = [await ofA.text(), await ofZ.text()];

    expect([ofA.status, ofZ.status]).toEqual([400, 400]);
    expect(textA.replaceAll(A.digest, "D")).toBe(textZ.replaceAll(Z.digest, "D"));
    expect(textA).toContain("MANIFEST_BLOB_UNKNOWN");
    expect(await told(bob("GET", `/v2/b/app/blobs/${A.digest}`))).toBe("404 BLOB_UNKNOWN");
    expect(await told(bob("GET", "/v2/b/app/manifests/x"))).toBe("404 MANIFEST_UNKNOWN");
  });

  test("LEAK-04: is taken from who has its bytes, with the same work as for new ones", async () => {
    const calls = async (content: Content): Promise<readonly string[]> => {
      world.calls.length = 0;
      expect(await push(bob, "b/app", content)).toBe("201");
      return [...world.calls];
    };

    expect(await calls(A)).toEqual(await calls(Z));
    expect(await (await bob("GET", `/v2/b/app/blobs/${A.digest}`)).text()).toBe(A.text);
  });

  test("LEAK-09: is not told unchanged", async () => {
    for (const method of ["GET", "HEAD"]) {
      for (const given of [`"${A.digest}"`, `W/"${A.digest}"`, "*"]) {
        const answer = await bob(method, `/v2/b/app/blobs/${A.digest}`, { headers: { "if-none-match": given } });
        expect(answer.status).toBe(404);
      }
    }
    const image = `/v2/b/app/manifests/${a.image.digest}`;
    expect(await told(bob("GET", image, { headers: { "if-none-match": "*" } }))).toBe("404 MANIFEST_UNKNOWN");
  });

  test("LEAK-10: has the headers of one that nobody has, however often it is asked for", async () => {
    const expected = await headersOf(Z);
    for (let count = 0; count < 100; count++) expect(await headersOf(A)).toBe(expected);
  });
});

describe("what another repository has", () => {
  test("LEAK-05: is not in the referrers of a subject that both name", async () => {
    const own = indexOf("bob's", a.image);
    const pushed = await bob("PUT", "/v2/b/app/manifests/signature", { headers: asIndex, body: own.text });
    const listed = await bob("GET", `/v2/b/app/referrers/${a.image.digest}`);
    const { manifests } = (await listed.json()) as { readonly manifests: readonly { readonly digest: string }[] };

    expect(pushed.status).toBe(201);
    expect(manifests.map(({ digest }) => digest)).toEqual([own.digest]);
  });

  test("LEAK-06: does not come back where it was deleted, whoever reads it elsewhere", async () => {
    const X = { digest: Z.digest, text: Z.text };
    await push(alice, "a/app", X);
    await push(bob, "b/app", X);
    await alice("GET", `/v2/a/app/blobs/${X.digest}`);
    expect(await told(alice("DELETE", `/v2/a/app/blobs/${X.digest}`))).toBe("202");

    const statuses = new Set<string>();
    const look = async (): Promise<void> => {
      for (let count = 0; count < 125; count++) {
        statuses.add(`b ${(await bob("GET", `/v2/b/app/blobs/${X.digest}`)).status}`);
        statuses.add(`a ${(await alice("HEAD", `/v2/a/app/blobs/${X.digest}`)).status}`);
        statuses.add(`a ${(await alice("GET", `/v2/a/app/blobs/${X.digest}`)).status}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, look));

    expect([...statuses].toSorted()).toEqual(["a 404", "b 200"]);
  });

  test("LEAK-07: is whole again each time that it is pushed after it was deleted", async () => {
    for (let round = 0; round < 3; round++) {
      expect(await told(alice("HEAD", `/v2/a/app/blobs/${Z.digest}`))).toBe("404");
      expect(await push(alice, "a/app", Z)).toBe("201");
      expect(await (await alice("GET", `/v2/a/app/blobs/${Z.digest}`)).text()).toBe(Z.text);
      expect(await told(alice("DELETE", `/v2/a/app/blobs/${Z.digest}`))).toBe("202");
    }
  });

  test("LEAK-08: stands in no list, page, error or header that is somebody else's", async () => {
    const paths = [
      "/v2/_catalog",
      "/v2/_catalog?n=1",
      "/v2/_catalog?last=a/ap",
      "/v1/search?q=a",
      "/v1/search?q=app",
      "/v1/search?q=a/app",
      "/v2/b/app/tags/list",
      "/v2/b/non/tags/list",
      "/",
    ];
    for (const path of paths) {
      const answer = await bob("GET", path);
      const seen = `${await answer.text()} ${JSON.stringify([...answer.headers])}`.replaceAll('"query":"a/app"', "");
      for (const secret of ["a/app", "a/two", "a/b/c", A.digest, a.image.digest, a.ownTag])
        expect(`${path}: ${seen}`).not.toContain(`"${secret}`);
      expect(seen).not.toContain("a/app");
    }
  });
});

describe("AUTHZ-02: a repository that somebody may not see", () => {
  test("refuses in the same words whether it is there or not, and the stores are not asked", async () => {
    world.calls.length = 0;
    for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
      const answers = ["a/app", "a/non"].map(async (name) => {
        const answer = await bob(method, `/v2/${name}/manifests/${latest}`, method === "PUT" ? { body: "{}" } : {});
        const headers = [...answer.headers].filter(([header]) => header !== "x-request-id");
        return `${answer.status} ${(await answer.text()).replaceAll(name, "X")} ${JSON.stringify(headers)}`;
      });
      const [there, absent] = await Promise.all(answers);

      expect(there).toStartWith("403");
      expect(there).toBe(absent ?? "");
    }
    expect(world.calls).toEqual([]);
  });
});
