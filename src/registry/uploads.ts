import type { ByteRange } from "../core/byte-range.ts";
import type { Digest } from "../core/digest.ts";
import { RegistryError } from "../core/error.ts";
import type { Principal } from "../core/principal.ts";
import type { RepositoryName } from "../core/repository-name.ts";
import { isUlid, ulidTime } from "../core/ulid.ts";
import type { UploadId, UploadSession } from "../core/upload-session.ts";
import type { AppendBounds, IncomingBody, StagedBlob } from "../core/upload-store.ts";
import type { RegistryPorts } from "./ports.ts";

/** A blob that another repository may have. */
export interface MountRequest {
  readonly digest: Digest;
  /** Undefined: whichever repository has it. */
  readonly from?: RepositoryName | undefined;
  /** Whether the principal may pull from a repository; asked of every source before it is used. */
  readonly mayPullFrom: (repository: RepositoryName) => boolean;
}

const touchEveryMs = 60 * 60 * 1000;
const maxMountSources = 100;

/**
 * Blobs on their way in. An upload belongs to one repository and to the principal who started it: to everybody else it is
 * not there (`BLOB_UPLOAD_UNKNOWN`). It takes one request at a time; one that comes in between gets `CONFLICT`.
 */
export class Uploads {
  readonly #ports: RegistryPorts;
  /** The uploads that a request works on. In memory: after a restart no request is under way. */
  readonly #busy = new Set<UploadId>();

  constructor(ports: RegistryPorts) {
    this.#ports = ports;
  }

  /** Throws `DENIED` for a full disk, `TOOMANYREQUESTS` for too many open uploads. */
  async start(repository: RepositoryName, principal: Principal): Promise<UploadId> {
    const { clock, limits, metadata, reserve, ulids } = this.#ports;
    await reserve.assertRoomFor(undefined);
    const id = ulids.next();
    const now = clock.now();
    await metadata.createUpload(
      { id, repository, startedBy: principal.id, startedAt: now, touchedAt: now },
      { perPrincipal: limits.uploadsPerPrincipal, inAll: limits.uploadsInAll },
    );
    return id;
  }

  /**
   * Makes a blob of another repository a member of this one without moving bytes. False: the caller goes on with `start`
   * (distribution specification, "Mounting a blob from another repository"). What is there already counts as mounted.
   */
  async mount(repository: RepositoryName, principal: Principal, request: MountRequest): Promise<boolean> {
    const { clock, leases, metadata } = this.#ports;
    const { digest } = request;
    const own = await metadata.findBlob(repository, digest);
    if (own !== undefined && (await leases.holdBlob(repository, own))) return true;
    const sources =
      request.from === undefined ? await metadata.findBlobHolders(digest, maxMountSources) : [request.from];
    for (const from of sources.filter(request.mayPullFrom)) {
      if (await metadata.mountBlob({ repository, from, digest, by: principal.id, at: clock.now() })) return true;
    }
    return false;
  }

  /** Appends a chunk and answers the upload's new length. Throws what `UploadStore.append` throws. */
  append(
    repository: RepositoryName,
    id: string,
    principal: Principal,
    body: IncomingBody,
    range: ByteRange | undefined,
  ): Promise<number> {
    return this.#withUpload(repository, id, principal, (session) => this.#append(session, body, range));
  }

  /** How many bytes have arrived. */
  status(repository: RepositoryName, id: string, principal: Principal): Promise<number> {
    return this.#withUpload(repository, id, principal, (session) => this.#ports.uploads.size(session.id));
  }

  /**
   * Ends an upload, with a last chunk if there is one: from then on the repository has the blob, through a power cut too.
   * `DIGEST_INVALID` ends the upload as well: what arrived is not what was meant. Every other refusal leaves it open.
   */
  commit(
    repository: RepositoryName,
    id: string,
    principal: Principal,
    digest: Digest,
    body: IncomingBody | undefined,
    range?: ByteRange,
  ): Promise<void> {
    return this.#withUpload(repository, id, principal, async (session) => {
      if (body !== undefined) await this.#append(session, body, range);
      const blob = await this.#stage(session.id, digest);
      await this.#keep(repository, principal, blob, session.id);
    });
  }

  /** A blob in one request (distribution specification, "Single POST"): it needs no session, and cannot be resumed. */
  async putWhole(repository: RepositoryName, principal: Principal, digest: Digest, body: IncomingBody): Promise<void> {
    const { limits, reserve, ulids, uploads } = this.#ports;
    await reserve.assertRoomFor(body.lengthBytes);
    const id = ulids.next();
    const blob = await this.#alone(id, async () => {
      try {
        await uploads.append(id, body, { offset: undefined, lengthBytes: undefined, maxBytes: limits.blobBytes });
        return await uploads.commit(id, digest);
      } catch (error) {
        await uploads.cancel(id);
        throw error;
      }
    });
    await this.#keep(repository, principal, blob, undefined);
  }

  /** Forgets an upload and what arrived of it. */
  cancel(repository: RepositoryName, id: string, principal: Principal): Promise<void> {
    return this.#withUpload(repository, id, principal, (session) => this.#remove(session.id));
  }

  /**
   * Removes the uploads that nobody has touched for `limits.uploadIdleMs`, and bytes of that age that no upload knows (a
   * crash left them). Answers how many. What a request works on stays, however long that takes.
   */
  async expireIdle(): Promise<number> {
    const { clock, limits, metadata, uploads } = this.#ports;
    const idleSince = clock.now() - limits.uploadIdleMs;
    // In this order: bytes come after their session, so bytes without one in the second list belong to none.
    const staged = await uploads.list();
    const sessions = await metadata.listUploadsIdleSince(Number.MAX_SAFE_INTEGER);
    const known = new Set(sessions.map((session) => session.id));
    const lost = staged.filter((id) => !known.has(id) && ulidTime(id) < idleSince && !this.#busy.has(id));
    for (const id of lost) await this.#alone(id, () => uploads.cancel(id));
    let removed = lost.length;
    for (const session of sessions) {
      if (session.touchedAt < idleSince && (await this.#expire(session, idleSince))) removed++;
    }
    return removed;
  }

  /** Looks again, now that nobody else can touch it. */
  async #expire({ id, repository }: UploadSession, idleSince: number): Promise<boolean> {
    if (this.#busy.has(id)) return false;
    return this.#alone(id, async () => {
      const session = await this.#ports.metadata.findUpload(repository, id);
      if (session === undefined || session.touchedAt >= idleSince) return false;
      await this.#remove(id);
      return true;
    });
  }

  /** The row first: bytes without a row are found again, a row without bytes would be an upload that lost them. */
  async #remove(id: UploadId): Promise<void> {
    await this.#ports.metadata.removeUpload(id);
    await this.#ports.uploads.cancel(id);
  }

  async #append(session: UploadSession, body: IncomingBody, range: ByteRange | undefined): Promise<number> {
    const { limits, reserve, uploads } = this.#ports;
    await reserve.assertRoomFor(body.lengthBytes);
    const bounds: AppendBounds = {
      offset: range?.start,
      lengthBytes: range === undefined ? undefined : range.end - range.start,
      maxBytes: limits.blobBytes,
    };
    try {
      return await uploads.append(session.id, body, bounds);
    } finally {
      // A body that broke off after hours was no idleness either.
      await this.#touch(session);
    }
  }

  async #touch(session: UploadSession): Promise<void> {
    const now = this.#ports.clock.now();
    if (now - session.touchedAt >= touchEveryMs) await this.#ports.metadata.touchUpload(session.id, now);
  }

  async #stage(id: UploadId, digest: Digest): Promise<StagedBlob> {
    const { metadata, uploads } = this.#ports;
    try {
      return await uploads.commit(id, digest);
    } catch (error) {
      if (error instanceof RegistryError && error.code === "DIGEST_INVALID") await metadata.removeUpload(id);
      throw error;
    }
  }

  async #keep(
    repository: RepositoryName,
    principal: Principal,
    blob: StagedBlob,
    uploadId: UploadId | undefined,
  ): Promise<void> {
    const { clock, metadata } = this.#ports;
    // Where this fails nobody knows whether the row is there: a commit whose sync failed can come back at the next start,
    // from the database's log. So the bytes stay: a file without a row takes room, a row without its file is a lost blob.
    const { kept } = await metadata.commitBlob({ repository, blob, uploadId, by: principal.id, at: clock.now() });
    if (!kept) await this.#discard(repository, blob);
  }

  /** The row that was there keeps its bytes; unless they are gone, when these take their place: what is acknowledged is there. */
  async #discard(repository: RepositoryName, { digest, sizeBytes, content }: StagedBlob): Promise<void> {
    if (content.kind !== "file") return;
    const { blobs, metadata } = this.#ports;
    const row = (await metadata.findBlob(repository, digest))?.content;
    if (row?.kind === "file" && (row.key === content.key || (await blobs.restore(row.key, sizeBytes, content.key))))
      return;
    await blobs.delete(content.key);
  }

  #withUpload<Result>(
    repository: RepositoryName,
    id: string,
    principal: Principal,
    work: (session: UploadSession) => Promise<Result>,
  ): Promise<Result> {
    if (!isUlid(id)) return Promise.reject(new RegistryError("BLOB_UPLOAD_UNKNOWN"));
    return this.#alone(id, async () => {
      const session = await this.#ports.metadata.findUpload(repository, id);
      if (session?.startedBy !== principal.id) throw new RegistryError("BLOB_UPLOAD_UNKNOWN");
      return work(session);
    });
  }

  async #alone<Result>(id: UploadId, work: () => Promise<Result>): Promise<Result> {
    if (this.#busy.has(id)) {
      throw new RegistryError("CONFLICT", "another request is working on this upload; try again when it has ended", {
        retryAfterSeconds: 1,
      });
    }
    this.#busy.add(id);
    try {
      return await work();
    } finally {
      this.#busy.delete(id);
    }
  }
}
