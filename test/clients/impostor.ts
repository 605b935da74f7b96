import { join } from "node:path";
import type { CertificateFiles } from "./certificates.ts";
import type { Machine, Program } from "./machine.ts";

/** What a man in the middle does. */
export type Impostor =
  | { readonly way: "answers" | "relays"; readonly certificates: CertificateFiles; readonly script: string }
  | { readonly way: "cuts"; readonly afterBytes: number };

const program = join(import.meta.dir, "impostor-program.ts");

/** Puts a man in the middle on a machine, at an address and port there, between whom it deceives and the server. */
export async function startImpostor(
  machine: Machine,
  impostor: Impostor,
  { address, port, server }: { readonly address: string; readonly port: number; readonly server: Machine },
): Promise<Program> {
  const own =
    impostor.way === "cuts"
      ? [String(impostor.afterBytes)]
      : [impostor.certificates.certificate, impostor.certificates.key, impostor.script];
  const place = [impostor.way, address, String(port), server.address];
  const running = machine.start([process.execPath, program, ...place, ...own]);
  await running.waitFor(/in the middle/);
  return running;
}
