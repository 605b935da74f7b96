# connect.py ROOTS, lines "HOST PORT" on standard input: connects to each port of 127.0.0.1 as HOST, and prints what came of it.
import socket
import ssl
import sys

context = ssl.create_default_context(cafile=sys.argv[1])
for line in sys.stdin:
    host, port = line.split()
    try:
        with socket.create_connection(("127.0.0.1", int(port))) as plain:
            with context.wrap_socket(plain, server_hostname=host):
                print("accepted", flush=True)
    except ssl.SSLError as error:
        print(f"refused: {error}".replace("\n", " "), flush=True)
