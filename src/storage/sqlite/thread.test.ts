import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { changes, reads } from "./operations.ts";
import { DatabaseThread } from "./thread.ts";

const folder = mkdtempSync(join(tmpdir(), "dozo-thread-"));

afterAll(() => rmSync(folder, { recursive: true }));

/** A thread that says that it is open, and then does what `onCalls` says. */
const ignoreFault = (): void => {};

function threadThat(onCalls: string, onFault: (reason: string) => void = ignoreFault): DatabaseThread<typeof changes> {
  const file = join(folder, `${Bun.hash(onCalls).toString(16)}.worker.ts`);
  writeFileSync(
    file,
    `self.onmessage = ({ data }) => {
       if (data.kind === "open") return postMessage({ kind: "opened" });
       ${onCalls}
     };`,
  );
  return new DatabaseThread<typeof changes>(new Worker(pathToFileURL(file)), "unused", onFault);
}

function isUnavailable(call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => false,
    (error: unknown) => error instanceof Error && "code" in error && error.code === "UNAVAILABLE",
  );
}

const change = { by: "01ARZ3NDEKTSV4RRFFQ69G5FAV", at: 1 } as never;

test.each([
  ["throws", "throw new Error('broken');"],
  ["ends itself", "process.exit(3);"],
])("a thread that %s fails the calls under way, and all later ones, and can still be closed", async (_, onCalls) => {
  const thread = threadThat(onCalls);
  await thread.started;

  const underWay = [thread.call("removeUser", "a", change), thread.call("removeUser", "b", change)];

  expect(await Promise.all(underWay.map(isUnavailable))).toEqual([true, true]);
  expect(await isUnavailable(thread.call("removeUser", "c", change))).toBe(true);
  await thread.close();
});

test("calls of one turn travel in one message, in their order", async () => {
  const thread = threadThat(`
    if (data.kind === "close") return postMessage({ kind: "closed" });
    const names = data.calls.map((call) => call.args[0]).join();
    postMessage({ kind: "outcomes", outcomes: data.calls.map(({ id }) => ({ id, kind: "answer", value: names })) });
  `);
  await thread.started;

  const answers: unknown[] = await Promise.all(["a", "b", "c"].map((name) => thread.call("removeUser", name, change)));

  expect(answers).toEqual(["a,b,c", "a,b,c", "a,b,c"]);
  await thread.close();
});

test("a fault of the registry is an error that says what failed, and not one for the client", async () => {
  const thread = threadThat(`
    if (data.kind === "close") return postMessage({ kind: "closed" });
    postMessage({ kind: "outcomes", outcomes: [{ id: data.calls[0].id, kind: "fault", message: "removeUser: why" }] });
  `);
  await thread.started;

  const error: unknown = await thread.call("removeUser", "a", change).catch((thrown: unknown) => thrown);

  expect(error).toMatchObject({ name: "Error", message: "removeUser: why" });
  await thread.close();
});

test("what was asked before the close is answered, what is asked behind it is not", async () => {
  const thread = threadThat(`
    if (data.kind === "close") return postMessage({ kind: "closed" });
    postMessage({ kind: "outcomes", outcomes: data.calls.map(({ id }) => ({ id, kind: "answer", value: true })) });
  `);
  await thread.started;

  const before = thread.call("removeUser", "a", change);
  const closed = thread.close();
  const behind = thread.call("removeUser", "b", change);

  expect(await isUnavailable(behind)).toBe(true);
  expect(await before).toBe(true);
  await closed;
  await thread.close();
});

test("a thread that cannot open its database says why", async () => {
  const thread = new DatabaseThread<typeof reads>(
    new Worker(new URL("./reader.worker.ts", import.meta.url)),
    join(folder, "absent.db"),
    ignoreFault,
  );

  expect(await thread.started.catch((error: unknown) => String(error))).toContain("unable to open");
  await thread.close();
});

test("a thread that ends although nobody closed it is told of once, and one that was closed is not", async () => {
  const faults: string[] = [];
  const broken = threadThat("throw new Error('the disk is on fire')", (reason) => faults.push(reason));
  await broken.started;

  expect(await isUnavailable(broken.call("removeUser", "a", change))).toBe(true);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain("the disk is on fire");

  const sound = threadThat("postMessage({ kind: 'closed' })", (reason) => faults.push(reason));
  await sound.started;
  await sound.close();

  expect(faults).toHaveLength(1);
});
