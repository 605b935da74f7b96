import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificates } from "./certificates.ts";
import { serverName, type Machine, type Program } from "./machine.ts";

/** A running nginx that ends TLS, with the certificate of the CA that signed its own. */
export interface RunningNginx {
  readonly caPem: string;
  readonly program: Program;
}

/** A port of an nginx, and how it passes things on. */
export interface Site {
  readonly port: number;
  /** Left out: with TLS. */
  readonly tls?: "off";
  /** Of its `location /`. */
  readonly directives: string;
}

/** Starts Debian's nginx on a machine: TLS on `port` with a certificate of a new CA, everything passed on to `upstream`. */
export async function startNginx(machine: Machine, port: number, upstream: string): Promise<RunningNginx> {
  return startSites(machine, [{ port, directives: goodDirectives(upstream) }]);
}

/** The same with several ports, each with its own way of passing on; the first speaks TLS. */
export async function startSites(machine: Machine, sites: readonly Site[]): Promise<RunningNginx> {
  const folder = join(machine.folder, "nginx");
  const { ca } = await makeCertificates(machine, "nginx");
  writeFileSync(join(folder, "nginx.conf"), configuration(folder, sites));
  const program = machine.start(["/usr/sbin/nginx", "-p", folder, "-c", join(folder, "nginx.conf")]);
  await machine.mustRun(`until curl -sko /dev/null https://127.0.0.1:${sites[0]?.port}/; do :; done`);
  return { caPem: await machine.mustRun(`cat ${ca}`), program };
}

/** As a registry needs it. */
export function goodDirectives(upstream: string): string {
  return `
      proxy_pass ${upstream};
      proxy_http_version 1.1;
      client_max_body_size 0;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_read_timeout 900s;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;`;
}

function configuration(folder: string, sites: readonly Site[]): string {
  return `
daemon off;
user root;
pid ${folder}/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ssl_certificate ${folder}/server.crt;
  ssl_certificate_key ${folder}/server.key;
  ${sites.map(server).join("")}
}
`;
}

function server({ port, tls, directives }: Site): string {
  return `
  server {
    listen ${port}${tls === "off" ? "" : " ssl"};
    server_name ${serverName};
    location / {${directives}
    }
  }`;
}
