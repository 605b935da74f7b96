import type { Administration } from "../core/administration.ts";
import { fieldsOf, text, texts } from "./control-fields.ts";

/** What the side door answers about groups and robots; undefined where the request is about something else. */
export async function answerAboutPrincipals(
  { groups, robots }: Pick<Administration, "groups" | "robots">,
  request: Request,
  pathname: string,
): Promise<Response | undefined> {
  const [, collection = "", encoded = "", what = ""] = /^\/(groups|robots)\/([^/]+)(\/[a-z]+)?$/.exec(pathname) ?? [];
  const name = decodeURIComponent(encoded);
  switch (`${request.method} ${name === "" ? pathname : `/${collection}/NAME${what}`}`) {
    case "GET /groups":
      return Response.json(await groups.list());
    case "POST /groups":
      return done(await groups.add(text((await fieldsOf(request))["name"])));
    case "DELETE /groups/NAME":
      return Response.json(await groups.remove(name));
    case "POST /groups/NAME/join":
      return done(await groups.join(name, texts((await fieldsOf(request))["members"])));
    case "POST /groups/NAME/leave":
      return done(await groups.leave(name, texts((await fieldsOf(request))["members"])));
    case "GET /robots":
      return Response.json(await robots.list());
    case "POST /robots": {
      const fields = await fieldsOf(request);
      const { owner, expiresAt } = fields;
      return done(
        await robots.add({
          name: text(fields["name"]),
          owner: typeof owner === "string" ? owner : undefined,
          expiresAt: typeof expiresAt === "number" ? expiresAt : undefined,
        }),
      );
    }
    case "DELETE /robots/NAME":
      return done(await robots.remove(name));
    default:
      return undefined;
  }
}

function done(_nothing: void): Response {
  return new Response(null, { status: 204 });
}
