import { dlopen, ptr } from "bun:ffi";
import { readdirSync } from "node:fs";

/*
 * Listening sockets that share an address (SO_REUSEPORT, socket(7)) are a group, in which the kernel chooses one for each new
 * connection, by chance unless it is told. Here it is told.
 */

const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const BPF_RET_K = 0x06;
/** The longest socket address that is of interest (sockaddr_in6). */
const addressBytes = 28;

/** "Answer this number" (struct sock_filter): the whole program, and below what points to it (struct sock_fprog). */
const instruction = new DataView(new ArrayBuffer(8));
instruction.setUint16(0, BPF_RET_K, true);
const program = new Uint8Array(16);
new DataView(program.buffer).setUint16(0, 1, true);
new DataView(program.buffer).setBigUint64(8, BigInt(ptr(instruction)), true);

interface SocketCalls {
  getsockopt(descriptor: number, level: number, name: number, value: Int32Array, length: Uint32Array): number;
  setsockopt(descriptor: number, level: number, name: number, value: Uint8Array, length: number): number;
  getsockname(descriptor: number, address: Uint8Array, length: Uint32Array): number;
}

let calls: SocketCalls | undefined;

/** The descriptors of this process that listen on a TCP port, on whatever address; none where that cannot be found out. */
export function listeningDescriptors(port: number): readonly number[] {
  try {
    return readdirSync("/proc/self/fd")
      .map(Number)
      .filter((descriptor) => isListening(descriptor) && portOf(descriptor) === port);
  } catch {
    return [];
  }
}

/**
 * Gives all new connections of a listening socket's group to the one at `index`: they are counted in the order in which they
 * began to listen, and into the place of one that ends comes the last. An index that nobody has leaves it to chance. Handshakes
 * that have begun stay where they are. Answers whether the kernel does it. Needs no privilege.
 */
export function steerNewConnections(descriptor: number, index: number): boolean {
  instruction.setUint32(4, index, true);
  const answer = libc().setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program, program.byteLength);
  return answer === 0;
}

function isListening(descriptor: number): boolean {
  const value = new Int32Array(1);
  const answer = libc().getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, value, new Uint32Array([value.byteLength]));
  return answer === 0 && value[0] === 1;
}

function portOf(descriptor: number): number | undefined {
  const address = new DataView(new ArrayBuffer(addressBytes));
  const answer = libc().getsockname(descriptor, new Uint8Array(address.buffer), new Uint32Array([addressBytes]));
  return answer === 0 ? address.getUint16(2) : undefined;
}

function libc(): SocketCalls {
  calls ??= load();
  return calls;
}

function load(): SocketCalls {
  const names = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];
  let failure: unknown;
  for (const name of names) {
    try {
      return dlopen(name, {
        getsockopt: { args: ["i32", "i32", "i32", "buffer", "buffer"], returns: "i32" },
        setsockopt: { args: ["i32", "i32", "i32", "buffer", "u32"], returns: "i32" },
        getsockname: { args: ["i32", "buffer", "buffer"], returns: "i32" },
      }).symbols;
    } catch (error) {
      failure = error;
    }
  }
  throw new Error("the C library cannot be loaded: dozo needs Linux with glibc or musl", { cause: failure });
}
