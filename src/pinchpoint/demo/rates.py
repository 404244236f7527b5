"""The shop's partner: exchange rates over HTTP, always the same and always a little late.

`python rates.py --port N`; standard library only, keeps connections alive.
"""

from __future__ import annotations

import argparse
import asyncio
import json

RATES = {"CHF": 0.94, "EUR": 1.0, "GBP": 0.86, "JPY": 163.5, "SEK": 11.3, "USD": 1.08}


def answer(path: str) -> object | None:
    """What is found under a path; None if nothing is."""
    if path == "/currencies":
        return sorted(RATES)
    folder, _, currency = path.rpartition("/")
    if folder == "/rates" and currency in RATES:
        return {"currency": currency, "rate": RATES[currency]}
    return None


def encode(body: object | None) -> bytes:
    """A whole HTTP answer: 200 with the body as JSON, or 404."""
    status = "404 Not Found" if body is None else "200 OK"
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def serve(port: int, delay_s: float, list_delay_s: float) -> None:
    """Answer on loopback until cancelled."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                await asyncio.sleep(list_delay_s if path == "/currencies" else delay_s)
                writer.write(encode(answer(path)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="The shop's partner for exchange rates.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay-ms", type=float, default=90, help="of a rate")
    parser.add_argument("--list-delay-ms", type=float, default=15, help="of the list of currencies")
    words = parser.parse_args()
    asyncio.run(serve(words.port, words.delay_ms / 1e3, words.list_delay_ms / 1e3))


if __name__ == "__main__":
    main()
