import { CertificateMaintenance } from "../certificates/certificate-maintenance.ts";
import { OwnCertificates } from "../certificates/own-certificates.ts";
import { RotationWatch } from "../certificates/rotation-clients.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import type { AppOptions } from "./app-options.ts";
import { clock } from "./clock.ts";
import type { Serving } from "./serving.ts";

/** The registry's own authority: what it has issued for the server, and its change for another. */
export interface OwnAuthority {
  readonly certificates: OwnCertificates;
  readonly maintenance: CertificateMaintenance;
  readonly rotation: RotationWatch;
}

/** It ends with `serving`. */
export async function openOwnAuthority(
  { settings, openPki, log }: AppOptions,
  serving: Serving,
): Promise<OwnAuthority> {
  const certificates = await OwnCertificates.open({ open: openPki, clock, log });
  const files = new PkiFolder(`${settings.data}/pki`);
  const rotation = new RotationWatch({ files, clock, log });
  const watchRotation = (): Promise<void> => rotation.follow(certificates.pki.announced !== undefined);
  await watchRotation();
  serving.atEnd(
    () => certificates.stop(),
    () => rotation.stop(),
  );
  const maintenance = new CertificateMaintenance({
    files,
    clock,
    change: async (work) => {
      await certificates.change(work);
      await watchRotation();
    },
    clients: () => Promise.resolve(rotation.clients?.list() ?? []),
  });
  return { certificates, maintenance, rotation };
}
