import { type KnownError, nameOf, placeOf } from "./known-error.ts";
import { loginCommand } from "./login-command.ts";

const containerdFolder = "/etc/containerd/certs.d";

/** What is wrong with how containerd, a cluster or a machine's store of certificates was set up. */
export const knownSetUpErrors: readonly KnownError[] = [
  {
    id: "containerd-mirrors-and-config-path",
    pattern: /`mirrors` (?:cannot be set when `config_path` is provided|is no longer supported)/,
    explain: () => ({
      what: "containerd's configuration has both config_path and the old blocks registry.mirrors or registry.configs.",
      why: "They exclude each other, and the whole CRI plugin is not loaded: no pod starts on that node.",
      fix: `in /etc/containerd/config.toml delete the tables registry.mirrors and registry.configs, set config_path = "${containerdFolder}", then: sudo systemctl restart containerd`,
    }),
  },
  {
    id: "containerd-two-folders",
    pattern: /config_path\s*=\s*['"]\/[^'":]*:\/[^'"]*['"]/,
    explain: () => ({
      what: "containerd's config_path names two folders, and it reads neither.",
      why: "Since 2.1 pulls take the list for one path, without a word in the log (containerd issue 12808); since 2.2 it is the default.",
      fix: `in /etc/containerd/config.toml set config_path = "${containerdFolder}", then: sudo systemctl restart containerd`,
    }),
  },
  {
    id: "hosts-toml-broken",
    pattern: /failed to decode hosts\.toml|invalid `host` tree/,
    explain: (line) => ({
      what: "containerd cannot read a hosts.toml, and goes on as if it were not there.",
      why: "A registry of dozo's needs none: ca.crt alone in the folder is enough.",
      fix: `sudo mv ${containerdFolder}/${placeOf(line)}/hosts.toml ${containerdFolder}/${placeOf(line)}/hosts.toml.old`,
    }),
  },
  {
    id: "pull-secret-missing",
    pattern: /FailedToRetrieveImagePullSecret|Unable to retrieve (?:some image pull secrets|pull secret)/,
    explain: (line) => {
      const secret =
        /secrets \(<?([\w.-]+)>?\)|pull secret (?:[\w-]+\/)?([\w.-]+) for|secret \\?"([\w.-]+)\\?" not found|secret=\\?"([\w./-]+)\\?"/.exec(
          line.text,
        );
      const name = secret?.slice(1).find((group) => group !== undefined) ?? "dozo";
      return {
        what: `The pod names the secret ${name}, and there is none of that name in its namespace.`,
        why: "A secret with a login belongs to one namespace; the kubelet tries without it.",
        fix: loginCommand("kubernetes", placeOf(line)).replace("docker-registry dozo", `docker-registry ${name}`),
      };
    },
  },
  {
    id: "keychain-needs-person",
    pattern: /SecTrustSettingsSetTrustSettings: The authorization was denied/,
    explain: () => ({
      what: "macOS wants a person to confirm that a certificate is trusted.",
      why: "Over SSH it cannot ask, and refuses.",
      fix: "on the Mac itself, in Terminal: sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ca.crt",
    }),
  },
  {
    id: "browser-store-read-only",
    pattern: /SEC_ERROR_READ_ONLY/,
    explain: () => ({
      what: "The browser's store of certificates may not be written by this user.",
      why: "The profile's files belong to somebody else, often to root.",
      fix: 'sudo certutil -d sql:"$HOME/.pki/nssdb" -A -t C,, -n dozo -i ca.crt',
    }),
  },
];

/** What a cluster says after any of the others: the most general of all. */
export const kubernetesCannotPull: KnownError = {
  id: "kubernetes-cannot-pull",
  pattern: /\bImagePullBackOff\b|\bErrImagePull\b/,
  explain: (line) => ({
    what: `A node of the cluster could not pull from ${nameOf(line)}, and waits before it tries again.`,
    why: "This is only the outcome. The reason stands in the pod's events: no trust on that node, no secret with a login, or no such image.",
    fix: "kubectl describe pod POD | dozo explain",
  }),
};
