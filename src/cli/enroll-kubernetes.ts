import { Command, Option } from "commander";
import type { RegistryIdentity } from "../enrolment/identity.ts";
import {
  type ClusterOptions,
  clusterObjects,
  clusterYaml,
  loginCommands,
  type PullCredentials,
  removalCommands,
  runtimeFolders,
  writerImage,
} from "../enrolment/kubernetes.ts";
import { type CommandContext, UsageError } from "./command-context.ts";
import { examples } from "./examples.ts";
import { printJson } from "./output.ts";
import { readPassword } from "./password.ts";
import { addFolderOptions } from "./setting-options.ts";

type Options = Readonly<Record<string, unknown>>;
/** Finds the registry that the flags of a command mean. */
type FindIdentity = (options: Options) => Promise<RegistryIdentity>;

const help = `
The image has to be one that nodes can have before they trust this registry. The default comes from the registry that
Kubernetes' own images come from, and is named by its digest. Where nodes reach nothing but this registry, name one
with a shell that they have already: kubectl get nodes -o jsonpath='{.items[*].status.images[*].names}' lists them.

k3s and RKE2 read registries.yaml instead, Talos and Bottlerocket their own settings: docs/how-to/clients.`;

/** `dozo enroll kubernetes`: the manifest that makes the nodes of a cluster trust the registry, and its pods log in. */
export function enrollKubernetesCommand(context: CommandContext, findIdentity: FindIdentity): Command {
  return addFolderOptions(new Command("kubernetes"))
    .description("Print the manifest that makes a cluster's nodes trust the registry, and its pods log in.")
    .addOption(
      new Option("--runtime <RUNTIME>", "What runs the nodes' containers.")
        .choices(Object.keys(runtimeFolders))
        .default("containerd"),
    )
    .option("--certs-folder <FOLDER>", "The nodes' folder of certificates, where it is not the runtime's usual one.")
    .option("--image <IMAGE>", "The image that writes the file: any with sh, cmp, cp and mv.", writerImage)
    .option("--namespace <NAME>", "Where the pods are that pull.", "default")
    .option("--user <NAME>", "Put this user's pull secret into the manifest; needs --password-stdin.")
    .option("--password-stdin", "Read that user's password from standard input.")
    .option("--undo", "Print the manifest that takes the files away from the nodes again.")
    .option("--json", "Print JSON, which kubectl takes as well.")
    .addHelpText(
      "before",
      examples(
        "dozo enroll kubernetes | kubectl apply -f -",
        "dozo enroll kubernetes --user ci --password-stdin < FILE | kubectl apply -f -",
        "dozo enroll kubernetes --undo | kubectl apply -f -",
      ),
    )
    .addHelpText("after", help)
    .action((options: Options) => enrollKubernetes(context, findIdentity, options));
}

async function enrollKubernetes(context: CommandContext, findIdentity: FindIdentity, options: Options): Promise<void> {
  const { json, runtime, certsFolder, image, namespace, user, passwordStdin, undo, ...folderOptions } = options;
  const cluster: ClusterOptions = {
    folder: absoluteFolder(certsFolder ?? runtimeFolders[runtime as keyof typeof runtimeFolders]),
    image: String(image),
    namespace: kubernetesName(namespace),
    credentials: await pullCredentials(context, user, passwordStdin),
    isUndo: undo === true,
  };
  const identity = await findIdentity(folderOptions);
  const objects = clusterObjects(identity, cluster);
  const { output } = context;
  if (json === true) {
    printJson(output, { apiVersion: "v1", kind: "List", items: objects });
    return;
  }
  for (const line of heading(identity, cluster)) output.print(line === "" ? "#" : `# ${line}`);
  if (objects.length > 0) output.print(clusterYaml(objects).trimEnd());
}

function heading(identity: RegistryIdentity, { namespace, credentials, isUndo }: ClusterOptions): readonly string[] {
  if (isUndo) return ["Behind this, once the files are gone from every node:", ...removalCommands(namespace)];
  const trust =
    identity.caPem === undefined ? ["The nodes trust the certificate already."] : ["For: kubectl apply -f -"];
  if (credentials !== undefined) return trust;
  return [...trust, "Then, with a password in PASSWORD, so that pods may pull:", ...loginCommands(identity, namespace)];
}

async function pullCredentials(
  context: CommandContext,
  user: unknown,
  passwordStdin: unknown,
): Promise<PullCredentials | undefined> {
  if (typeof user === "string" && passwordStdin === true) return { user, password: await readPassword(context) };
  if (user === undefined && passwordStdin === undefined) return undefined;
  throw new UsageError(
    "--user and --password-stdin belong together",
    "dozo enroll kubernetes --user NAME --password-stdin < FILE",
  );
}

function absoluteFolder(folder: unknown): string {
  if (typeof folder === "string" && folder.startsWith("/") && !folder.includes("/..")) return folder;
  throw new UsageError(`${String(folder)} is not an absolute folder`, "--certs-folder /etc/containerd/certs.d");
}

/** RFC 1123's label, as Kubernetes wants names of namespaces to be; so it is safe in the commands that are printed. */
function kubernetesName(name: unknown): string {
  if (typeof name === "string" && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return name;
  throw new UsageError(`${String(name)} is not the name of a namespace`, "--namespace default");
}
