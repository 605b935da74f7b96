/** What the router has to know of a row of the route table. */
export interface Route {
  readonly method: string;
  /**
   * A path, or `<prefix>{name}<suffix>` where `{name}` takes any number of segments and `<suffix>` may have one parameter that
   * takes one, or `<prefix>` and such a parameter alone. Behind a parameter there may be words that are always the same.
   */
  readonly pattern: string;
}

/** `name` and `parameter` are what stood in their places, unjudged, and empty where the pattern has none. */
export type RouteMatch<R extends Route> =
  | { readonly kind: "found"; readonly route: R; readonly name: string; readonly parameter: string }
  | { readonly kind: "wrong-method"; readonly allow: string }
  | { readonly kind: "unknown" };

interface Methods<R> {
  readonly byMethod: Map<string, R>;
  allow: string;
}

interface Tail<R> {
  readonly prefix: string;
  /** Between the name and the parameter, or the end. */
  readonly literal: string;
  readonly hasName: boolean;
  readonly hasParameter: boolean;
  /** Behind the parameter; empty where there is none. */
  readonly ending: string;
  readonly methods: Methods<R>;
}

const unknown = { kind: "unknown" } as const;

/**
 * Finds the row for a method and a path. Names contain slashes and may contain every word of a suffix, so patterns are
 * matched from the right-hand end: of `/v2/a/manifests/b/blobs/c` the name is `a/manifests/b`.
 * A row for GET serves HEAD too. Every comparison is anchored and takes time in proportion to the path's length.
 */
export function createRouter<R extends Route>(routes: readonly R[]): (method: string, path: string) => RouteMatch<R> {
  const fixed = new Map<string, Methods<R>>();
  const tails = new Map<string, Tail<R>>();
  for (const route of routes) addMethod(methodsOf(route.pattern, fixed, tails), route);
  const tailList = [...tails.values()];

  return (method, path) => {
    const exact = fixed.get(path);
    if (exact !== undefined) return choose(exact, method, "", "");
    for (const { prefix, literal, hasName, hasParameter, ending, methods } of tailList) {
      if (!path.startsWith(prefix) || !path.endsWith(ending)) continue;
      const last = path.length - ending.length;
      const first = hasParameter ? path.lastIndexOf("/", last - 1) + 1 : last;
      if (hasParameter && first === last) continue;
      if (!path.endsWith(literal, first) || (!hasName && first !== prefix.length)) continue;
      return choose(methods, method, path.slice(prefix.length, first - literal.length), path.slice(first, last));
    }
    return unknown;
  };
}

function methodsOf<R extends Route>(
  pattern: string,
  fixed: Map<string, Methods<R>>,
  tails: Map<string, Tail<R>>,
): Methods<R> {
  const known = fixed.get(pattern) ?? tails.get(pattern)?.methods;
  if (known !== undefined) return known;
  const methods: Methods<R> = { byMethod: new Map(), allow: "" };
  const [, prefix = "", name, literal = "", parameter, ending = ""] =
    /^(.*?)(?:(\{name\})([^{]*))?(?:(\{[a-z]+\})([^{]*))?$/.exec(pattern) ?? [];
  const hasName = name !== undefined;
  const hasParameter = parameter !== undefined;
  if (hasName || hasParameter) tails.set(pattern, { prefix, literal, hasName, hasParameter, ending, methods });
  else fixed.set(pattern, methods);
  return methods;
}

function addMethod<R extends Route>(methods: Methods<R>, route: R): void {
  methods.byMethod.set(route.method, route);
  if (route.method === "GET") methods.byMethod.set("HEAD", route);
  methods.allow = [...methods.byMethod.keys()].toSorted().join(", ");
}

function choose<R extends Route>(methods: Methods<R>, method: string, name: string, parameter: string): RouteMatch<R> {
  const route = methods.byMethod.get(method);
  if (route === undefined) return { kind: "wrong-method", allow: methods.allow };
  return { kind: "found", route, name, parameter };
}
