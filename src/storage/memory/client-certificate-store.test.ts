import { describe } from "bun:test";
import { describeClientCertificateStore } from "../../core/client-certificate-store.contract.ts";
import { MemoryClientCertificateStore } from "./client-certificate-store.ts";

describe("MemoryClientCertificateStore", () => {
  describeClientCertificateStore(async () => new MemoryClientCertificateStore());
});
