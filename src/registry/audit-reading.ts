import type { AuditEvent } from "../core/audit-event.ts";
import type { AuditReading, AuditSummary } from "../core/audit-state.ts";
import type { AuditQuery, AuditStore } from "../core/audit-store.ts";
import type { AuditTrail } from "./audit-trail.ts";

export interface AuditReadingPorts {
  readonly store: Pick<AuditStore, "list" | "facts">;
  readonly trail: Pick<AuditTrail, "settle" | "state">;
  readonly keepDays: number;
}

/** The operator's questions, over the ports. */
export class LocalAuditReading implements AuditReading {
  readonly #ports: AuditReadingPorts;

  constructor(ports: AuditReadingPorts) {
    this.#ports = ports;
  }

  async list(query: AuditQuery): Promise<readonly AuditEvent[]> {
    await this.#ports.trail.settle();
    return this.#ports.store.list(query);
  }

  async summary(): Promise<AuditSummary> {
    const { store, trail, keepDays } = this.#ports;
    await trail.settle();
    const { completeSince, sizeBytes } = await store.facts();
    return { ...trail.state(), completeSince, sizeBytes, keepDays };
  }
}
