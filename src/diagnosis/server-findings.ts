import type { Finding } from "./finding.ts";
import { shellWord } from "./shell-word.ts";

// What is wrong on the machine that the registry runs on.

/** There is nothing to look at. */
export function noRegistry({ folder }: { readonly folder: string }): Finding {
  return {
    id: "no-registry",
    severity: "error",
    what: `There is no registry in the data folder ${folder}.`,
    why: "Either none was started yet, or it is in another folder.",
    fix: "dozo up makes one; name another folder with --data DIR, and for a client's view: dozo doctor HOST:PORT",
  };
}

/** Only its owner and root may look. */
export function folderClosed({ folder }: { readonly folder: string }): Finding {
  return {
    id: "data-folder-closed",
    severity: "error",
    what: `This user may not look into the data folder ${folder}.`,
    why: "It is its owner's alone, as it should be.",
    fix: "sudo dozo doctor",
  };
}

/** The folder cannot do what the registry needs. */
export function folderUnfit({ what, fix }: { readonly what: string; readonly fix: string }): Finding {
  return {
    id: "data-folder-unfit",
    severity: "error",
    what: `${what.charAt(0).toUpperCase()}${what.slice(1)}.`,
    why: "Nothing can be kept safely, and the registry does not start.",
    fix,
  };
}

/** A kind of file system that promises too little. */
export function folderRisky({ what }: { readonly what: string }): Finding {
  return {
    id: "data-folder-risky",
    severity: "warning",
    what: `${what}.`,
    why: "What was acknowledged to clients can be lost there.",
    fix: "move the data folder to a local disk, and name it with --data DIR",
  };
}

/** Others on the machine may read, or write, what is the registry's alone. */
export function modeTooWide({ path, mode, wanted }: Readonly<Record<"path" | "mode" | "wanted", string>>): Finding {
  return {
    id: "mode-too-wide",
    severity: "error",
    what: `${path} may be used by others on this machine (mode ${mode}).`,
    why: "Keys and contents of the registry are readable, or replaceable, for every user of the machine.",
    fix: `chmod ${wanted} ${shellWord(path)}`,
  };
}

/** A file of the folder is not the folder's owner's. */
export function wrongOwner({ path, folder, uid, ownerUid }: OwnerFacts): Finding {
  return {
    id: "wrong-owner",
    severity: "error",
    what: `${path} belongs to user number ${uid}, and the data folder to ${ownerUid}.`,
    why: "The registry runs as the folder's owner and can neither read nor replace that file.",
    fix: `sudo chown -R ${ownerUid} ${shellWord(folder)}`,
  };
}

/** Pushes are refused, or soon will be. */
export function diskFull({ free, reserve, isRefused, folder }: DiskFacts): Finding {
  return {
    id: isRefused ? "disk-full" : "disk-nearly-full",
    severity: isRefused ? "error" : "warning",
    what: `${free} of the disk are free, and ${reserve} are kept as a reserve.`,
    why: isRefused ? "Every push is refused; pulls go on." : "Once the reserve is reached, every push is refused.",
    fix: `make room on the disk of ${folder}, or give it a larger one: df -h ${shellWord(folder)}`,
  };
}

/** Room for bytes, none for files. */
export function inodesShort({ free, folder }: { readonly free: number; readonly folder: string }): Finding {
  return {
    id: "inodes-short",
    severity: free < 1000 ? "error" : "warning",
    what: `The file system of ${folder} can hold only ${free} more files.`,
    why: "Each layer is a file: pushes will fail although bytes are free.",
    fix: `delete small files there, or move the data folder to another file system: df -i ${shellWord(folder)}`,
  };
}

/** The clock says a time before something that is there already. */
export function clockBehind({ today, thing, madeOn }: Readonly<Record<"today" | "thing" | "madeOn", string>>): Finding {
  return {
    id: "clock-behind",
    severity: "error",
    what: `This machine's clock says ${today}, and ${thing} is from ${madeOn}.`,
    why: "The clock was set back: certificates count as not yet valid, and new ones would be made with wrong dates.",
    fix: "timedatectl set-ntp true (date -u shows whether it is right then)",
  };
}

/** Somebody else has the port. */
export function portTaken({ port, holder }: { readonly port: number; readonly holder: string }): Finding {
  return {
    id: "port-taken",
    severity: "error",
    what: `Port ${port} is taken by ${holder}.`,
    why: "The registry cannot listen there, and clients reach something else.",
    fix: `stop that program, or choose another port: dozo up --listen 0.0.0.0:${port + 1}`,
  };
}

/** Nobody serves. */
export function serverStopped({ folder }: { readonly folder: string }): Finding {
  return {
    id: "server-stopped",
    severity: "warning",
    what: `No server runs for ${folder}.`,
    why: "Nobody can push or pull.",
    fix: "dozo up, or where it is a service: sudo systemctl start dozo",
  };
}

/** The operator's name leads elsewhere. */
export function nameLeadsElsewhere({ name }: { readonly name: string }): Finding {
  return {
    id: "name-leads-elsewhere",
    severity: "warning",
    what: `The name ${name}, which clients are to use, does not lead to this machine.`,
    why: "Clients that use it reach nobody, or somebody else.",
    fix: `add ${name} to your DNS with an address of this machine (ip -brief address shows them)`,
  };
}

/** The authority's files cannot be used. */
export function authorityBroken({ what }: { readonly what: string }): Finding {
  return {
    id: "authority-broken",
    severity: "error",
    what,
    why: "Without it no certificate can be renewed, and the server does not start.",
    fix: "put back root.crt, ca.crt and ca.key of a backup, all three",
  };
}

/** The authority itself comes to its end. */
export function authorityEndsSoon({ endsOn }: { readonly endsOn: string }): Finding {
  return {
    id: "authority-ends-soon",
    severity: "warning",
    what: `The certificate authority itself ends on ${endsOn}.`,
    why: "No certificate can go beyond it, and every client has to trust the next one before that day.",
    fix: "dozo ca rotate",
  };
}

/** A name that clients use is not in the server's certificate. */
export function nameMissing({ name }: { readonly name: string }): Finding {
  return {
    id: "name-not-in-certificate",
    severity: "error",
    what: `The server's certificate is not for ${name}, which clients are told to use.`,
    why: 'Every client that writes this name refuses it ("certificate is valid for …, not …").',
    fix: `dozo cert add-name ${name}`,
  };
}

/** The server's own certificate and its key or issuer do not fit each other. */
export function certificateForeign({ file }: { readonly file: string }): Finding {
  return {
    id: "certificate-foreign",
    severity: "error",
    what: `${file} is not of the key beside it, or was not signed by the authority beside it.`,
    why: "Clients refuse what does not belong together; files of two registries were mixed, perhaps.",
    fix: "dozo cert renew",
  };
}

/** A certificate that the operator gave has a fault. `text` is what is wrong, `fix` what helps. */
export function givenCertificateFaulty({ id, text, isFatal, fix }: GivenFault): Finding {
  return {
    id: `given-certificate-${id}`,
    severity: "error",
    what: `${text.charAt(0).toUpperCase()}${text.slice(1)}`,
    why: isFatal
      ? "It cannot be served at all; the server keeps the one before, or does not start."
      : "Clients refuse it.",
    fix,
  };
}

/** A line that no login can use. */
export function htpasswdLine({
  file,
  line,
  reason,
}: Readonly<{ file: string; line: number; reason: string }>): Finding {
  return {
    id: "htpasswd-line",
    severity: "error",
    what: `Line ${line} of ${file} cannot be used: ${reason}.`,
    why: "The file is taken as a whole or not at all: the server does not start with it, or keeps the users it had.",
    fix: `sed -n ${line}p ${shellWord(file)} shows the line; htpasswd -B -C 10 ${shellWord(file)} NAME writes one anew`,
  };
}

/** A hash that is quickly guessed. */
export function htpasswdWeak({ file, reason }: { readonly file: string; readonly reason: string }): Finding {
  return {
    id: "htpasswd-weak",
    severity: "warning",
    what: `In ${file}, ${reason}.`,
    why: "Whoever gets the file finds out such passwords soon.",
    fix: `htpasswd -B -C 10 ${shellWord(file)} NAME, with the user's name`,
  };
}

/** The file is not there, or not readable. */
export function htpasswdUnreadable({ file, reason }: { readonly file: string; readonly reason: string }): Finding {
  return {
    id: "htpasswd-unreadable",
    severity: "error",
    what: `The htpasswd file ${file} cannot be read: ${reason}.`,
    why: "Nobody of that file can log in, and the server does not start with it.",
    fix: `htpasswd -cB ${shellWord(file)} NAME makes one, readable for the user that dozo runs as`,
  };
}

/** Few connections at once. */
export function descriptorsFew({ limit }: { readonly limit: number }): Finding {
  return {
    id: "descriptors-few",
    severity: "warning",
    what: `The server may have ${limit} files and connections open at once.`,
    why: "With many clients at a time new ones are turned away.",
    fix: "ulimit -n 65536 before dozo up; as a service: LimitNOFILE=65536 in the unit (dozo service install writes it)",
  };
}

/** The first password still lies there. */
export function firstPasswordLeft({ file, days }: { readonly file: string; readonly days: number }): Finding {
  return {
    id: "first-password-left",
    severity: "warning",
    what: `The first password has been lying in ${file} for ${days} days, in plain text.`,
    why: "It goes with the first login of that user, and nobody has logged in with it.",
    fix: `log in with it, or give another and remove it: dozo user passwd admin && rm ${shellWord(file)}`,
  };
}

/** Behind a proxy whose word about the client's address does not count. */
export function proxyNotTrusted(): Finding {
  return {
    id: "proxy-not-trusted",
    severity: "warning",
    what: "A proxy in front is needed with these settings, and no trusted proxy is named.",
    why: "All clients seem to come from the proxy's address: one who guesses passwords locks out all, and the log tells nobody apart.",
    fix: "dozo up --trusted-proxy 127.0.0.1/32 (the address that the proxy comes from), and let it set X-Forwarded-For",
  };
}

interface OwnerFacts {
  readonly path: string;
  readonly folder: string;
  readonly uid: number;
  readonly ownerUid: number;
}

interface DiskFacts {
  readonly folder: string;
  readonly free: string;
  readonly reserve: string;
  readonly isRefused: boolean;
}

interface GivenFault {
  readonly id: string;
  readonly text: string;
  readonly isFatal: boolean;
  readonly fix: string;
}

/** Nobody from the directory can log in. */
export function directoryAway({ reason }: { readonly reason: string }): Finding {
  return {
    id: "directory-away",
    severity: "error",
    what: `The directory of users (LDAP) cannot be asked: ${reason}.`,
    why: "Its users are answered 503 until it can; dozo's own users log in all the same.",
    fix: "ldapsearch -x -W -H URL -D BINDDN -b BASE, with the settings ldap.urls, ldap.bindDn and ldap.base, shows whether it is the directory or these",
  };
}
