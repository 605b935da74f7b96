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
    id: "docker-socket-forbidden",
    pattern:
      /permission denied while trying to connect to the [Dd]ocker|dial unix \S*docker\.sock: connect: permission denied/,
    explain: () => ({
      what: "This user may not use the Docker daemon.",
      why: "Its socket belongs to root and the group docker; the registry was not asked.",
      fix: 'sudo usermod -aG docker "$USER" and log in again (that group is as good as root), or: sudo docker …',
    }),
  },
  {
    id: "docker-daemon-missing",
    pattern: /Cannot connect to the Docker daemon|failed to connect to the docker API/,
    explain: () => ({
      what: "The Docker daemon does not run, or not where the command looks for it.",
      why: "The registry was not asked: the command docker goes through the daemon for everything.",
      fix: "sudo systemctl start docker (and: docker context ls shows where the command looks)",
    }),
  },
  {
    id: "short-name",
    pattern: /short-name "?\S+ did not resolve to an alias|short-name resolution enforced/,
    explain: (line) => {
      const name = /short-name "?([a-z0-9][\w./:-]*\w)/.exec(line.text)?.[1] ?? "NAME";
      return {
        what: `${name} names no registry.`,
        why: "Podman does not guess: the registry stands before the first slash.",
        fix: `podman pull HOST:PORT/${name}`,
      };
    },
  },
  {
    id: "name-not-lowercase",
    pattern: /repository name(?: \([^)]*\))? must be lowercase/,
    explain: () => ({
      what: "The image's name has capital letters.",
      why: "Repositories are called in small letters, digits and . _ - / only; a tag may have capitals.",
      fix: "docker tag IMAGE HOST:PORT/name:TAG, all in small letters",
    }),
  },
  {
    id: "disk-full",
    pattern: /\bno space left on device\b|\bENOSPC\b/i,
    explain: () => ({
      what: "A disk is full, where the program runs that printed this.",
      why: "A client unpacks layers on its own disk; the registry refuses pushes with other words before its disk is full.",
      fix: "df -h shows the disk; for Docker: docker system prune, for podman: podman system prune; on the server: dozo doctor",
    }),
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
