import { describe, expect, test } from "bun:test";
import { gibibyte, memoryRegistry, refusalOf } from "../../test/registry/memory-registry.ts";
import { MeasuredDiskReserve } from "./disk-reserve.ts";

const mebibyte = 1024 ** 2;

function reserveOn(freeBytes: number, totalBytes: number): MeasuredDiskReserve {
  const blobs = { space: async () => ({ freeBytes, totalBytes }) };
  return new MeasuredDiskReserve({ blobs, clock: { now: () => 0 } }, { minFreeBytes: gibibyte, minFreeShare: 0.05 });
}

describe("the disk's reserve", () => {
  test("UPL-07: less than 1 GiB free refuses pushes, with figures and what to do", async () => {
    const refusal = await refusalOf(reserveOn(812 * mebibyte, 10 * gibibyte).assertRoomFor(undefined));

    expect(refusal.code).toBe("DENIED");
    expect(refusal.message).toBe(
      "the registry's disk is nearly full: 7.9 % (812 MiB) free; nothing was stored. " +
        "Its administrator can free space: dozo status",
    );
  });

  test("UPL-07: less than 5 % free refuses pushes", async () => {
    const refusal = await refusalOf(reserveOn(4 * gibibyte, 100 * gibibyte).assertRoomFor(undefined));

    expect(refusal.message).toStartWith("the registry's disk is nearly full: 4.0 % (4.0 GiB) free;");
  });

  test("a body that would use the reserve up is refused before it is sent", async () => {
    const refusal = await refusalOf(reserveOn(10 * gibibyte, 100 * gibibyte).assertRoomFor(6 * gibibyte));

    expect(refusal.message).toStartWith("the registry's disk has no room for 6.0 GiB: 10.0 % (10.0 GiB) free;");
  });

  test("what leaves the reserve alone is let through", async () => {
    const reserve = reserveOn(10 * gibibyte, 100 * gibibyte);

    expect(await reserve.assertRoomFor(5 * gibibyte)).toBeUndefined();
    expect(await reserve.assertRoomFor(undefined)).toBeUndefined();
  });

  test("the disk is asked once a second, however many pushes ask", async () => {
    const { clock } = memoryRegistry();
    let asked = 0;
    const blobs = {
      space: async () => {
        asked++;
        return { freeBytes: 10 * gibibyte, totalBytes: 10 * gibibyte };
      },
    };
    const reserve = new MeasuredDiskReserve({ blobs, clock }, { minFreeBytes: gibibyte, minFreeShare: 0.05 });

    await Promise.all([1, 2, 3].map(() => reserve.assertRoomFor(1)));
    clock.advance(999);
    await reserve.assertRoomFor(1);
    expect(asked).toBe(1);

    clock.advance(1);
    await reserve.assertRoomFor(1);
    expect(asked).toBe(2);
  });

  test("a disk that could not be measured once is measured again", async () => {
    let fails = true;
    const blobs = {
      space: async () => {
        if (fails) throw new Error("no answer");
        return { freeBytes: 10 * gibibyte, totalBytes: 10 * gibibyte };
      },
    };
    const reserve = new MeasuredDiskReserve(
      { blobs, clock: { now: () => 0 } },
      { minFreeBytes: gibibyte, minFreeShare: 0.05 },
    );

    const answer = await reserve.assertRoomFor(1).catch((error: Error) => error.message);
    fails = false;

    expect(answer).toBe("no answer");
    expect(await reserve.assertRoomFor(1)).toBeUndefined();
  });
});
