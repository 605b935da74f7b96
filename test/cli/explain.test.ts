import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { makeSandbox, type Sandbox } from "./run-dozo.ts";

setDefaultTimeout(60_000);

describe("dozo explain", () => {
  let sandbox: Sandbox;
  beforeAll(() => {
    sandbox = makeSandbox();
  });
  afterAll(() => sandbox.dispose());

  const text =
    'Error response from daemon: Get "https://reg.lan:5000/v2/": x509: certificate signed by unknown authority';

  test("answers a text with what is wrong, why, and the command for that host", async () => {
    const { code, out, err } = await sandbox.run(["explain", text]);

    expect(code).toBe(0);
    expect(out).toMatch(
      /^error: .*reg\.lan:5000.*\n {2}why {2}.*\n {2}fix {2}on the server: .*dozo enroll .*sudo install .*\/reg\.lan:5000\/ca\.crt\n$/,
    );
    expect(err).toContain("dozo doctor reg.lan:5000");
  });

  test("reads a log from standard input, and answers programs in JSON", async () => {
    const { code, out } = await sandbox.run(["explain", "--json"], { input: `starting\n${text}\n${text}\n` });

    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject([{ id: "unknown-authority", severity: "error" }]);
    expect(JSON.parse(out)).toHaveLength(1);
  });

  test("says so when it knows nothing of it, and what to run", async () => {
    const { code, out, err } = await sandbox.run(["explain", "Segmentation fault"]);

    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/no error that is known.*\n.*dozo /);
    expect((await sandbox.run(["explain", "--json", "what?"])).out).toBe("[]\n");
  });

  test("wants a text", async () => {
    expect(await sandbox.run(["explain"], { input: " \n" })).toMatchObject({ code: 2, out: "" });
  });
});
