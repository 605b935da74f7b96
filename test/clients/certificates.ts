import { join } from "node:path";
import { serverName, type Machine } from "./machine.ts";

/** A certificate for the server's name, its key, and the certificate of the CA that signed it, in files of a machine. */
export interface CertificateFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Has OpenSSL make a CA in a new folder of a machine, and a certificate for the name by which clients know the server. */
export async function makeCertificates(machine: Machine, name: string): Promise<CertificateFiles> {
  const folder = join(machine.folder, name);
  await machine.mustRun(`mkdir -p ${folder} && cd ${folder} && ${commands.join(" && ")}`);
  return { ca: `${folder}/ca.crt`, certificate: `${folder}/server.crt`, key: `${folder}/server.key` };
}

const commands = [
  "openssl ecparam -name prime256v1 -genkey -noout -out ca.key",
  "openssl req -x509 -new -key ca.key -subj '/CN=CA of the test' -days 2 -out ca.crt",
  "openssl ecparam -name prime256v1 -genkey -noout -out server.key",
  `openssl req -new -key server.key -subj /CN=${serverName} -out server.csr`,
  `echo subjectAltName=DNS:${serverName} > names`,
  "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile names -days 2 -out server.crt",
];
