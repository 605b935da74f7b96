/** What a unit file is made from. */
export interface UnitOptions {
  /** `system`: for the whole machine, as a user of its own; `user`: in the caller's own systemd. */
  readonly scope: "system" | "user";
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly dataFolder: string;
  /** The system user it runs as; in the user's own systemd there is no choice. */
  readonly user: string;
  /** A port below 1024 is among the listeners. */
  readonly needsLowPort: boolean;
  readonly stopGraceSeconds: number;
}

/** The text of the unit (systemd.service(5), systemd.exec(5)). */
export function unitText(options: UnitOptions): string {
  const isSystem = options.scope === "system";
  return [
    // A unit cannot set it. dozo moves new connections to the new certificate before the old listener ends; where the kernel
    // will not do that for it, this keeps it from resetting connections that are just being accepted.
    "# Replacing certificates: set net.ipv4.tcp_migrate_req=1, so that no connection is reset that is just being accepted:",
    "#   echo net.ipv4.tcp_migrate_req=1 | sudo tee /etc/sysctl.d/60-dozo.conf && sudo sysctl --system",
    "[Unit]",
    "Description=dozo, a container registry",
    ...(isSystem ? ["After=network-online.target", "Wants=network-online.target"] : []),
    "",
    "[Service]",
    "Type=exec",
    `ExecStart=${options.command.map(unitWord).join(" ")}`,
    "Restart=always",
    "RestartSec=2",
    // 2 is wrong use: trying again changes nothing.
    "RestartPreventExitStatus=2",
    "KillMode=mixed",
    `TimeoutStopSec=${options.stopGraceSeconds + 10}`,
    "UMask=0077",
    "LimitNOFILE=65536",
    "LimitCORE=0",
    ...(isSystem ? systemHardening(options) : userHardening),
    "",
    "[Install]",
    `WantedBy=${isSystem ? "multi-user.target" : "default.target"}`,
    "",
  ].join("\n");
}

// What also works without privileges, in a user's own systemd.
const userHardening: readonly string[] = [
  "NoNewPrivileges=yes",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallFilter=~@privileged",
  "SystemCallErrorNumber=EPERM",
];

// MemoryDenyWriteExecute is not among them: the runtime compiles at run time. AF_NETLINK tells the machine's addresses.
function systemHardening({ dataFolder, user, needsLowPort }: UnitOptions): readonly string[] {
  const capability = needsLowPort ? "CAP_NET_BIND_SERVICE" : "";
  return [
    `User=${user}`,
    `Group=${user}`,
    `ReadWritePaths=${unitWord(dataFolder)}`,
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "RestrictNamespaces=yes",
    "RemoveIPC=yes",
    "DevicePolicy=closed",
    "KeyringMode=private",
    `CapabilityBoundingSet=${capability}`,
    `AmbientCapabilities=${capability}`,
    "IPAddressDeny=169.254.0.0/16",
    ...userHardening,
    "SystemCallFilter=~@resources",
  ];
}

/** One word of a command line in a unit file: quoted, with systemd's own specials doubled (systemd.syntax(7)). */
function unitWord(word: string): string {
  const escaped = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9_./:@%+=,$-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
