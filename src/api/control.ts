import { type Administration, AdministrationError, type RuleText } from "../core/administration.ts";
import type { AuditReading, UnusedQuestion } from "../core/audit-state.ts";
import type { AuditQuery } from "../core/audit-store.ts";
import type { CollectionAdministration } from "../core/collection-administration.ts";
import type { VerificationAdministration } from "../core/verification-administration.ts";
import type { StoredPosition } from "../core/verification-store.ts";
import type { CertificateAdministration } from "../core/certificate-administration.ts";
import type { UnlinkHolds } from "../registry/unlink-holds.ts";
import { fieldsOf, text, texts } from "./control-fields.ts";
import { answerAboutPrincipals } from "./control-principals.ts";

/** What the commands may ask of a running server. */
export interface ControlParts {
  readonly administration: Administration;
  readonly certificates: CertificateAdministration;
  readonly audit: AuditReading;
  readonly unlinkHolds: UnlinkHolds;
  readonly garbage: CollectionAdministration;
  readonly verification: VerificationAdministration;
}

/**
 * The commands' side door: JSON over a Unix socket in a folder that only the owner may enter. Who gets here is the operator;
 * it is never bound to an address.
 */
export function createControl(parts: ControlParts): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      return await answer(parts, request);
    } catch (error) {
      if (!(error instanceof AdministrationError)) throw error;
      return Response.json({ fault: error.fault, message: error.message }, { status: 409 });
    }
  };
}

async function answer(parts: ControlParts, request: Request): Promise<Response> {
  const { administration, certificates, audit, unlinkHolds, garbage, verification } = parts;
  const { pathname } = new URL(request.url);
  const [, collection = "", encoded = ""] = /^\/(users|rules)\/([^/]+)$/.exec(pathname) ?? [];
  const name = decodeURIComponent(encoded);
  switch (`${request.method} ${name === "" ? pathname : `/${collection}/NAME`}`) {
    case "GET /status":
      return Response.json(await administration.status());
    case "GET /users":
      return Response.json(await administration.listUsers());
    case "POST /users": {
      const fields = await fieldsOf(request);
      const isAdmin = fields["isAdmin"] === true;
      await administration.addUser({ name: text(fields["name"]), password: text(fields["password"]), isAdmin });
      return new Response(null, { status: 204 });
    }
    case "PUT /users/NAME":
      await administration.changePassword(name, text((await fieldsOf(request))["password"]));
      return new Response(null, { status: 204 });
    case "DELETE /users/NAME":
      await administration.removeUser(name);
      return new Response(null, { status: 204 });
    case "GET /company-users":
      return Response.json(await administration.listCompanyUsers());
    case "POST /company-users/readmission":
      await administration.readmitUser(text((await fieldsOf(request))["name"]));
      return new Response(null, { status: 204 });
    case "GET /certificate":
      return Response.json(await certificates.show());
    case "POST /certificate/renewal":
      return Response.json(await certificates.renew());
    case "POST /certificate/names":
      return Response.json(await certificates.addName(text((await fieldsOf(request))["name"])));
    case "GET /authority/rotation":
      return jsonOrNothing(await certificates.rotation());
    case "POST /authority/rotation": {
      const { names, suffixes } = await fieldsOf(request);
      return Response.json(await certificates.announceAuthority({ names: texts(names), suffixes: texts(suffixes) }));
    }
    case "DELETE /authority/rotation":
      await certificates.cancelRotation();
      return new Response(null, { status: 204 });
    case "POST /authority/rotation/end":
      return Response.json(await certificates.finishRotation((await fieldsOf(request))["isForced"] === true));
    case "POST /unlink-holds":
      return new Response(null, { status: unlinkHolds.hold(text((await fieldsOf(request))["name"])) ? 204 : 503 });
    case "POST /unlink-holds/release":
      unlinkHolds.release(text((await fieldsOf(request))["name"]));
      return new Response(null, { status: 204 });
    case "GET /audit":
      return Response.json(await audit.summary());
    case "POST /audit":
      // Of the same program, from the same machine's owner.
      return Response.json(await audit.list((await fieldsOf(request)) as unknown as AuditQuery));
    case "POST /audit/unused":
      return Response.json(await audit.unused((await fieldsOf(request)) as unknown as UnusedQuestion));
    case "POST /verification/image":
      return Response.json(await verification.verifyImage(text((await fieldsOf(request))["image"])));
    case "POST /verification/some":
      return Response.json(
        await verification.verifySome((await fieldsOf(request))["behind"] as StoredPosition | undefined),
      );
    case "GET /garbage":
      return Response.json(await garbage.state());
    case "GET /garbage/plan":
      return Response.json(await garbage.plan());
    case "POST /garbage/collection":
      return Response.json(await garbage.run());
    case "GET /rules":
      return Response.json(await administration.listRules());
    case "POST /rules":
      return Response.json(await administration.addRule(ruleText(await fieldsOf(request))));
    case "DELETE /rules/NAME":
      await administration.removeRule(name);
      return new Response(null, { status: 204 });
    case "POST /access": {
      const { who, action, repository } = await fieldsOf(request);
      const question = { who: text(who), action: text(action), repository: text(repository) };
      return Response.json(await administration.checkAccess(question));
    }
    case "POST /access/rules":
      return Response.json(await administration.listRulesFor(text((await fieldsOf(request))["who"])));
    case "GET /client-certificates":
      return Response.json(await administration.listClientCertificates());
    case "POST /client-certificates": {
      const { userName, publicKeyPem, days } = await fieldsOf(request);
      const asked = { userName: text(userName), publicKeyPem: text(publicKeyPem), days: Number(days) };
      return Response.json(await administration.issueClientCertificate(asked));
    }
    case "POST /client-certificates/revoke": {
      const { serial, userName } = await fieldsOf(request);
      const which = typeof serial === "string" ? { serial } : { userName: text(userName) };
      return Response.json(await administration.revokeClientCertificates(which));
    }
    case "GET /keys":
      return Response.json(await administration.listKeys());
    case "POST /keys": {
      const { principal, repositories, actions, lifetimeMs } = await fieldsOf(request);
      const lifetime = lifetimeMs === "never" ? lifetimeMs : Number(lifetimeMs);
      const key = { repositories: texts(repositories), actions: texts(actions), lifetimeMs: lifetime } as const;
      return Response.json(await administration.createKey(text(principal), key));
    }
    case "POST /keys/revoke": {
      const { id, principal } = await fieldsOf(request);
      const which = typeof id === "string" ? { id } : { principal: text(principal) };
      return Response.json(await administration.revokeKeys(which));
    }
    default:
      return (await answerAboutPrincipals(administration, request, pathname)) ?? new Response(null, { status: 404 });
  }
}

function ruleText({ effect, who, actions, repositories }: Record<string, unknown>): RuleText {
  return {
    effect: effect === "deny" ? "deny" : "allow",
    who: text(who),
    actions: texts(actions),
    repositories: text(repositories),
  };
}

function jsonOrNothing(value: object | undefined): Response {
  return value === undefined ? new Response(null, { status: 204 }) : Response.json(value);
}
