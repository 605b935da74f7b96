import { describe, expect, test } from "bun:test";
import { auditEvent } from "../core/audit-store.contract.ts";
import { eventRow } from "./audit-text.ts";

describe("an event at a terminal", () => {
  test("is one row of who, what, where, from where, with what and how it ended", () => {
    const digest = `sha256:${"a".repeat(12)}`;
    const row = ["1970-01-01 00:00:01", "maria", "pull (3)", `team/app:latest@${digest}`, "192.0.2.1 +1", "key k1"];

    expect(eventRow(auditEvent(1, { count: 3, addresses: ["192.0.2.1", "192.0.2.2"] }))).toEqual([...row, "done"]);
  });

  test("LOG-01: does nothing to the terminal, whatever a client wrote", () => {
    const hostile = "a\r\nb\u001b[2J\u2028\u202e\u0085";
    const cells = eventRow(auditEvent(1, { name: hostile, reason: hostile, object: hostile, addresses: [hostile] }));

    // oxlint-disable-next-line no-control-regex
    expect(cells.join("")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
  });
});
