import { randomBytes } from "node:crypto";
import { connect } from "node:net";

// The first message of TLS, written by hand (RFC 8446 section 4.1.2), so that it can hold what no client library would send.

/** What a server made of it: went on with the handshake, said no, or hung up; the last word of a server that is alive. */
export type Answer = "handshake" | "alert" | "closed";

/** The parts that a test puts into the message. */
export interface ClientHello {
  /** The bytes of the name in server_name (RFC 6066 section 3); without it there is no such extension. */
  readonly serverName?: Uint8Array;
  /** The protocols of ALPN (RFC 7301 section 3.1), each at most 255 bytes. */
  readonly protocols?: readonly Uint8Array[];
  /** The body of ALPN as it stands, right or wrong. */
  readonly rawProtocols?: Uint8Array;
}

const uint16 = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff]);
const withLength = (bytes: Uint8Array): Buffer => Buffer.concat([uint16(bytes.length), bytes]);
const extension = (type: number, body: Uint8Array): Buffer => Buffer.concat([uint16(type), withLength(body)]);

function extensionsOf({ serverName, protocols, rawProtocols }: ClientHello): Buffer {
  const list: Buffer[] = [
    extension(0x0a, withLength(Buffer.concat([uint16(0x1d), uint16(0x17)]))),
    extension(0x0b, Buffer.from([1, 0])),
    extension(0x0d, withLength(Buffer.concat([uint16(0x0403), uint16(0x0804)]))),
  ];
  if (serverName !== undefined)
    list.push(extension(0x00, withLength(Buffer.concat([Buffer.from([0]), withLength(serverName)]))));
  if (protocols !== undefined) {
    const names = protocols.map((name) => Buffer.concat([Buffer.from([name.length]), name]));
    list.push(extension(0x10, withLength(Buffer.concat(names))));
  }
  if (rawProtocols !== undefined) list.push(extension(0x10, rawProtocols));
  return Buffer.concat(list);
}

/** The bytes to send: TLS 1.2 with suites that the server has, cut into records of at most 16 KiB (RFC 8446 section 5.1). */
export function clientHello(hello: ClientHello): Uint8Array {
  const suites = withLength(Buffer.concat([0xc02b, 0xc02c, 0xcca9, 0xc02f].map(uint16)));
  const body = Buffer.concat([
    uint16(0x0303),
    randomBytes(32),
    Buffer.from([0]),
    suites,
    Buffer.from([1, 0]),
    withLength(extensionsOf(hello)),
  ]);
  const length = Buffer.from([1, (body.length >> 16) & 0xff, (body.length >> 8) & 0xff, body.length & 0xff]);
  const message = Buffer.concat([length, body]);
  const records: Buffer[] = [];
  for (let start = 0; start < message.length; start += 16_384) {
    const part = message.subarray(start, start + 16_384);
    records.push(Buffer.concat([Buffer.from([0x16, 3, 1]), withLength(part)]));
  }
  return Buffer.concat(records);
}

/** Sends bytes to a port of 127.0.0.1, and tells what came back first. */
export function send(port: number, bytes: Uint8Array): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
  socket.once("data", (data) => resolve(data[0] === 0x16 ? "handshake" : "alert"));
  socket.once("close", () => resolve("closed"));
  socket.on("error", () => resolve("closed"));
  return promise.finally(() => socket.destroy());
}
