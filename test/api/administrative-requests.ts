import { type ApiRoute, routes } from "../../src/api/routes.ts";

/** A request of the HTTP API that changes something, or tells something, where it is allowed. */
export interface AdministrativeRequest {
  readonly id: string;
  readonly action: ApiRoute["action"];
  readonly method: string;
  /** Below `/api/v1`. */
  readonly path: string;
  readonly document: object | undefined;
}

/** What is sent to the rows that take a document; maria is a user that is there. */
const documents: Readonly<Record<string, object>> = {
  "user-add": { name: "mallory", password: "opensesame123", isAdmin: true },
  "user-change": { password: "opensesame123" },
  "group-add": { name: "intruders" },
  "group-join": { members: ["maria"] },
  "group-leave": { members: ["maria"] },
  "robot-add": { name: "intruder", owner: "maria" },
  "key-add": { for: "maria" },
  "own-key-add": {},
  "rule-add": { effect: "allow", who: "maria", actions: ["admin"], repositories: "**" },
  "access-check": { who: "maria", action: "pull", repository: "team/app" },
  "repository-rule-add": { effect: "allow", who: "maria", actions: ["admin"] },
};

/** One for every row of the HTTP API; `object` stands where the path has an object's name. */
export function administrativeRequests(object: string): readonly AdministrativeRequest[] {
  const rows = routes.filter(({ shape }) => shape !== undefined);
  return rows.map(({ id, action, method, pattern, body }) => {
    const document = documents[id];
    if ((document === undefined) !== (body === "none")) throw new Error(`${id}: nobody has said what to send`);
    const path = pattern.replace("/api/v1", "").replace("{name}", "team/app");
    return { id, action, method, path: path.replace(/\{[a-z]+\}/, object), document };
  });
}
