import type { OwnAccessKeys } from "../core/access-key-administration.ts";
import type { Actor, Administration } from "../core/administration.ts";
import type { AuditReading } from "../core/audit-state.ts";
import type { Caller } from "../core/caller.ts";
import type { Clock } from "../core/clock.ts";
import type { Group } from "../core/group.ts";
import type { Limits } from "../core/limits.ts";
import type { Decide } from "../core/policy.ts";
import type { Principal, PrincipalId } from "../core/principal.ts";
import type { RepositoryName } from "../core/repository-name.ts";
import type { IncomingBody } from "../core/upload-store.ts";
import type { Authenticate } from "../auth/authenticate.ts";
import type { TokenService } from "../auth/tokens/token-service.ts";
import type { CompanyLogin } from "../auth/oidc/open.ts";
import type { Sessions } from "../auth/sessions.ts";
import type { ClientCertificate } from "../core/client-certificate.ts";
import type { RegistryIdentity } from "../enrolment/identity.ts";
import type { OriginReader } from "../http/asked-origin.ts";
import type { BodyFault, BodyReader } from "../http/request-body.ts";
import type { Log } from "../log.ts";
import type { AuditTrail } from "../registry/audit-trail.ts";
import type { Blobs } from "../registry/blobs.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { Manifests } from "../registry/manifests.ts";
import type { Referrers } from "../registry/referrers.ts";
import type { Tags } from "../registry/tags.ts";
import type { Uploads } from "../registry/uploads.ts";
import type { ChallengeSetting } from "../core/challenge-setting.ts";

/** A use case as the endpoints see it: its methods, and nothing of how it keeps them. */
type Methods<UseCase> = { readonly [Name in keyof UseCase]: UseCase[Name] };

/** What the endpoints stand on. */
export interface ApiParts {
  readonly blobs: Methods<Blobs>;
  readonly uploads: Methods<Uploads>;
  readonly manifests: Methods<Manifests>;
  readonly tags: Methods<Tags>;
  readonly referrers: Methods<Referrers>;
  readonly catalog: Methods<Catalog>;
  /** What an operator does, done by somebody else. Whether they may is not asked there. */
  readonly administration: (actor: Actor) => Administration;
  /** Hears of every request that has its answer. */
  readonly audit: Pick<AuditTrail, "exchange">;
  /** What happened, for who may administer the registry. */
  readonly record: Pick<AuditReading, "list">;
  readonly authenticate: Authenticate;
  readonly tokens: Methods<TokenService>;
  /** Which credentials clients are asked for. */
  readonly challenge: ChallengeSetting;
  /** Where a client thinks that it is. */
  readonly originOf: OriginReader;
  readonly sessions: Methods<Sessions>;
  /** The access keys of somebody, who looks after them alone. */
  readonly ownKeys: (principal: Principal & Actor) => OwnAccessKeys;
  /** Undefined where no provider is set. */
  readonly oidc: { readonly [Part in keyof CompanyLogin]: Methods<CompanyLogin[Part]> } | undefined;
  readonly decide: Decide;
  /** The groups that somebody is in now. */
  readonly groupsOf: (principal: PrincipalId) => readonly Group[];
  readonly limits: Limits;
  /** The certificate that clients have to trust, as PEM; undefined where dozo has no certificate of its own. */
  readonly caPem: () => string | undefined;
  /** What clients have to know to be enrolled; undefined where none can be: nothing speaks TLS, or the start is not over. */
  readonly identity: () => RegistryIdentity | undefined;
  /** Hears from where the registry is used, and what clients have to trust is fetched; an address is undefined on a Unix socket. */
  readonly onUse: (address: string | undefined, user: string) => void;
  readonly onTrustFetched: (address: string | undefined) => void;
  /** Whether the registry serves; false while it starts or stops. */
  readonly ready: () => boolean;
  /** Networks of the proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Takes bodies that are read into memory. */
  readonly bodies: BodyReader;
  readonly log: Log;
  readonly clock: Clock;
}

/** A request that has found its row of the route table. Of its body a handler gets what its row takes in, and no more. */
export interface Call {
  readonly request: Pick<Request, "method" | "headers">;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The last placeholder of the pattern, unjudged: a digest, a reference, an upload's id. */
  readonly parameter: string;
  /** The client's address; undefined on a Unix socket. */
  readonly client: string | undefined;
  /** Empty where the row takes no form of a page. */
  readonly form: URLSearchParams;
}

/** The other end of a request, as far as the connection tells. */
export interface Visitor {
  readonly client: string | undefined;
  readonly certificate?: ClientCertificate | undefined;
}

/** A request for a token, which has ways of its own to say who sends it. */
export interface TokenCall extends Call {
  /**
   * Who sends these credentials, in the form of an Authorization header; throws what every row throws whose action somebody has
   * to stand for.
   */
  readonly identify: (authorization: string | null) => Promise<Caller>;
  /** The same for what the token service made of a refresh token; of a refusal the client is not told why. */
  readonly admit: (redeemed: Caller | string) => Caller;
  /** With which the connection was opened. */
  readonly certificate: ClientCertificate | undefined;
}

/** A request whose row reads its body into memory. */
export interface BodyCall {
  readonly maxBodyBytes: number;
  /** Hands `work` a body of at most that many bytes, or why there is none. They count for all requests until `work` has ended. */
  readonly readBody: <Result>(work: (body: Uint8Array | BodyFault) => Promise<Result>) => Promise<Result>;
}

/** A request whose row gives its body to the upload store. */
export interface UploadCall {
  readonly upload: IncomingBody;
}

/** A request of somebody who may do what the row is about; not of somebody who is logged in, where rules let others in too. */
export interface KnownCall extends Call {
  readonly caller: Caller;
}

/** A request of somebody who may administer the registry. */
export interface AdminCall extends KnownCall {
  readonly principal: Principal;
}

/** A request of somebody who may look after their own access keys. */
export interface OwnCall extends KnownCall {
  readonly principal: Principal & Actor;
}

/** The same, about a repository. */
export interface RepositoryCall extends KnownCall {
  readonly repository: RepositoryName;
}

/** The same, about a change of it, which somebody has to stand for. */
export interface ChangeCall extends RepositoryCall {
  readonly principal: Principal;
}
