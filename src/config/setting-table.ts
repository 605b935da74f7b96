import { z } from "zod";
import { settingsSchema } from "./settings.ts";

/** One setting, as the person meets it who sets it. */
export interface SettingDescription {
  /** Its place in the YAML file: `limits.manifestBytes`. */
  readonly key: string;
  /** The flag without its dashes: `limits-manifest-bytes`. */
  readonly flag: string;
  readonly environment: string;
  readonly kind: "text" | "number" | "switch" | "list";
  /** What stands behind the flag in a help text. */
  readonly placeholder: string;
  readonly defaultText: string;
  /** The accepted values in words, where there is a bound to name. */
  readonly accepted: string | undefined;
  readonly description: string;
}

interface JsonSchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: string | number | boolean | readonly unknown[];
  readonly description?: string;
  readonly defaultText?: string;
  readonly placeholder?: string;
  readonly flag?: string;
}

/** Every setting in the order of the schema, the nested ones by their full key. */
export const settingTable: readonly SettingDescription[] = describe(
  z.toJSONSchema(settingsSchema, { io: "input", unrepresentable: "any" }) as JsonSchemaNode,
  [],
);

function describe(node: JsonSchemaNode, path: readonly string[]): readonly SettingDescription[] {
  if (node.properties === undefined) return [describeLeaf(node, path)];
  return Object.entries(node.properties).flatMap(([name, child]) => describe(child, [...path, name]));
}

function describeLeaf(node: JsonSchemaNode, path: readonly string[]): SettingDescription {
  const kind = kindOf(node);
  const words = path.map((part) => part.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).join("-");
  return {
    key: path.join("."),
    flag: node.flag ?? words,
    environment: `DOZO_${words.replaceAll("-", "_").toUpperCase()}`,
    kind,
    placeholder: node.placeholder ?? (kind === "number" ? "N" : "TEXT"),
    defaultText: node.defaultText ?? defaultText(node.default),
    accepted: acceptedValues(node, kind),
    description: node.description ?? "",
  };
}

function kindOf(node: JsonSchemaNode): SettingDescription["kind"] {
  if (node.type === "array") return "list";
  if (node.type === "boolean") return "switch";
  return node.type === "number" || node.type === "integer" ? "number" : "text";
}

function defaultText(value: JsonSchemaNode["default"]): string {
  if (value === undefined || typeof value === "object") return "none";
  return `\`${value}\``;
}

function acceptedValues(node: JsonSchemaNode, kind: SettingDescription["kind"]): string | undefined {
  if (node.enum !== undefined) return node.enum.join(", ");
  if (kind === "switch") return "true or false";
  if (kind !== "number") return undefined;
  const what = node.type === "integer" ? "a whole number" : "a number";
  return `${what} from ${node.minimum ?? 0} to ${node.maximum ?? Number.MAX_SAFE_INTEGER}`;
}
