#!/usr/bin/env python3
"""Ask the service whether it is alive: exit code 0 if it is, else a sentence and 1.

Usage: healthcheck.py [URL]. The certificate of an https URL is not verified, because the service asks itself.
A proxy of the environment is not used.
"""

import ssl
import sys
import urllib.request

URL = "http://127.0.0.1:9280/_enricher/livez"
SECONDS = 4.0


def main(url: str) -> int:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    try:
        urllib.request.build_opener(*handlers).open(url, timeout=SECONDS).close()
    except (OSError, ValueError) as error:
        print(f"No answer from {url}: {error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [URL]))
