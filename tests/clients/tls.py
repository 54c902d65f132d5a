"""What stands before the server where it is used: ends TLS and passes on what is inside. The Python client sends its credentials
over TLS only.

tls.py CERTIFICATE KEY HOST:PORT says on standard output on which port it listens.
"""

import asyncio
import ssl
import sys

certificate, key, target = sys.argv[1:4]
host, port = target.rsplit(":", 1)


async def pipe(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def serve(reader, writer):
    there, back = await asyncio.open_connection(host, int(port))
    await asyncio.gather(pipe(reader, back), pipe(there, writer))


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
