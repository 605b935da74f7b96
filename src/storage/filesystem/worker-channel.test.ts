import { afterEach, expect, test } from "bun:test";
import { WorkerChannel } from "./worker-channel.ts";

type Calls = {
  echo: { input: string; output: string };
  crash: { input: undefined; output: undefined };
};

const script = `
  self.onmessage = () => {
    self.onmessage = ({ data: { call, kind, input } }) => {
      if (kind === "crash") throw new Error("broken");
      postMessage({ call, output: input });
    };
  };
`;
const url = new URL(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));

let channel: WorkerChannel<Calls> | undefined;
afterEach(() => channel?.close());

test("a worker that crashes fails its calls, is logged, and is started again", async () => {
  const logged: string[] = [];
  channel = new WorkerChannel<Calls>(url, () => "begin", { error: (message) => logged.push(message) });

  expect(await channel.call("echo", "before")).toBe("before");
  const crashed = await channel.call("crash", undefined).catch((error: unknown) => error);

  expect(crashed).toMatchObject({ code: "UNAVAILABLE" });
  expect(logged).toHaveLength(1);
  expect(await channel.call("echo", "after")).toBe("after");
});

test("a channel is closed when its thread runs no more, and can be closed again", async () => {
  channel = new WorkerChannel<Calls>(url, () => "begin", { error: () => undefined });
  const underWay = channel.call("echo", "late").catch((error: unknown) => error);

  await channel.close();

  expect(await underWay).toMatchObject({ code: "UNAVAILABLE" });
  await channel.close();
});

test("a closed channel refuses calls", async () => {
  channel = new WorkerChannel<Calls>(url, () => "begin", { error: () => undefined });

  await channel.close();

  expect(await channel.call("echo", "late").catch((error: unknown) => error)).toMatchObject({ code: "UNAVAILABLE" });
});
