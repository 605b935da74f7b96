import type { VerificationAdministration, VerificationReport } from "../core/verification-administration.ts";
import type { StoredPosition } from "../core/verification-store.ts";
import type { ControlClient } from "./control-client.ts";

/** What is asked about the soundness of what a running server stores. */
export class RemoteVerification implements VerificationAdministration {
  readonly #server: ControlClient;

  constructor(server: ControlClient) {
    this.#server = server;
  }

  async verifyImage(image: string): Promise<VerificationReport> {
    return (await this.#server.call("POST", "/verification/image", { image })) as VerificationReport;
  }

  async verifySome(
    behind: StoredPosition | undefined,
  ): Promise<VerificationReport & { readonly next: StoredPosition | undefined }> {
    const answer = await this.#server.call("POST", "/verification/some", { behind });
    return answer as VerificationReport & { readonly next: StoredPosition | undefined };
  }
}
