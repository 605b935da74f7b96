import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copySources, type Fault, faults, withFault } from "./faults.ts";
import { type MatrixResult, runMatrix } from "./matrix.ts";
import { closed, open } from "./words.ts";
import { makeWorld } from "./world.ts";

// The test of the matrix: with any of these checks taken out of the code it has to fail.

let sources: Awaited<ReturnType<typeof copySources>>;

beforeAll(async () => {
  sources = await copySources();
});

afterAll(() => sources.remove());

async function runWith(fault: Fault): Promise<MatrixResult> {
  return withFault(fault, sources.copy, async (folder) => {
    const world = await makeWorld(fault.isOfClosed === true ? closed : open, folder);
    try {
      const { isAsked = () => true, seenBy } = fault;
      return await runMatrix(world, {
        stopsAtFirst: true,
        isAsked,
        asks: ({ name }) => seenBy === undefined || name === seenBy,
      });
    } finally {
      await world.close();
    }
  });
}

describe("the matrix finds it when", () => {
  test.each(faults.map((fault) => [fault.name, fault] as const))(
    "%s",
    async (_name, fault) => {
      const { unexpected } = await runWith(fault);

      expect(unexpected).toHaveLength(1);
    },
    60_000,
  );
});
