"""Ends well when the pages of this container answer. The site answers only to its own names."""

import os
from urllib.request import Request, urlopen

name = os.environ["ALLOWED_HOSTS"].split(",")[0].strip().lstrip(".")  # `.example.com` is also the name without more
with urlopen(Request("http://127.0.0.1:8000/healthz", headers={"Host": name}), timeout=2) as answer:
    raise SystemExit(0 if answer.status == 200 else 1)
