import { expect, test } from "bun:test";
import { unitText, type UnitOptions } from "./systemd-unit.ts";

const options: UnitOptions = {
  scope: "system",
  command: ["/usr/local/bin/dozo", "up", "--data", "/srv/my data", "--user", '50%"$x'],
  dataFolder: "/srv/my data",
  user: "dozo",
  needsLowPort: false,
  stopGraceSeconds: 30,
};

test("the system's unit never runs as root and holds no capability", () => {
  const lines = unitText(options).split("\n");
  expect(lines).toContain("User=dozo");
  expect(lines).toContain("CapabilityBoundingSet=");
  expect(lines).toContain("NoNewPrivileges=yes");
  expect(lines).toContain("ProtectSystem=strict");
  expect(lines.join("\n")).not.toContain("MemoryDenyWriteExecute");
});

test("words with blanks, quotes and specials reach the program as they are", () => {
  expect(unitText(options)).toContain(
    String.raw`ExecStart=/usr/local/bin/dozo up --data "/srv/my data" --user "50%%\"$$x"`,
  );
});

test("a port below 1024 needs one capability, and no more", () => {
  expect(unitText({ ...options, needsLowPort: true })).toContain("AmbientCapabilities=CAP_NET_BIND_SERVICE\n");
});

test("the user's own unit asks for nothing that needs privileges", () => {
  const text = unitText({ ...options, scope: "user" });
  expect(text).not.toMatch(/^(?:User|ProtectSystem|CapabilityBoundingSet)=/m);
  expect(text).toContain("WantedBy=default.target");
});
