"""A stand-in for Stripe on this machine: as much of its interface as the site uses, its faults, its signed messages.

It keeps its books in memory and knows nothing of ours, so the tests can hold the one against the other. What it does
follows Stripe's documentation: a key is answered once and then repeated, also where the answer was a failure; another
request under a known key is refused; a page can be closed only while it is open; no more is returned than was captured.
"""

import hashlib
import hmac
import json
import re
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qsl, urlsplit

GOOD, DECLINED, DECLINED_LATER = "4242424242424242", "4000000000000002", "4000000000000341"
SECRET = "whsec_stand_in"
PART_OF_NAME = re.compile(r"[^\[\]]+")


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status, message, kind="invalid_request_error", **facts):
        super().__init__(message)
        self.answer = (status, {"error": {"type": kind, "message": message, **facts}})


def nested(pairs):
    """`a[b][0]=c` as {"a": {"b": {"0": "c"}}}."""
    root = {}
    for name, value in pairs:
        *path, last = PART_OF_NAME.findall(name)
        place = root
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return root


def sign(body: bytes, secret: str = SECRET, at: int | None = None) -> str:
    at = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class StandIn:
    """Use it as a context manager; `origin` is its address.

    `messages` are the events that were not taken yet: take, drop, repeat or reorder them as you like.
    """

    def __init__(self):
        self.lock = threading.RLock()
        self.numbers = count(1)
        self.sessions, self.intents, self.refunds, self.disputes, self.payouts = {}, {}, {}, {}, {}
        self.keys = {}
        self.faults = []
        self.calls = []
        self.messages = []
        self.has_ceiling = True  # False: returns more than was captured, to see who else would notice
        self.gate = None  # a threading.Barrier that answers to GET /v1/refunds wait at
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"books": self}))
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    # ---- What a test asks of it ----

    def fail(self, kind: str, path: str, method: str = "POST", times: int = 1):
        """Answer the next requests to this path badly: `cut` (acts, no answer), `500` (does not act), `500 after`, `429`."""
        with self.lock:
            self.faults += [(kind, method, path)] * times

    def take_messages(self) -> list[bytes]:
        with self.lock:
            taken, self.messages = self.messages, []
        return [json.dumps(message).encode() for message in taken]

    def sessions_of(self, key) -> list[dict]:
        return [session for session in self.sessions.values() if session["client_reference_id"] == str(key)]

    def intents_of(self, key) -> list[dict]:
        return [i for i in self.intents.values() if i["metadata"].get("attempt") == str(key)]

    def captured(self) -> int:
        return sum(intent["amount"] for intent in self.intents.values() if intent["status"] == "succeeded")

    def refunded(self, payment_ref: str | None = None) -> int:
        return sum(
            refund["amount"]
            for refund in self.refunds.values()
            if refund["status"] == "succeeded" and payment_ref in (None, refund["payment_intent"])
        )

    def disputed(self) -> int:
        return sum(dispute["amount"] for dispute in self.disputes.values() if dispute["status"] != "won")

    def asked(self, method: str, path: str) -> int:
        return sum(call[:2] == (method, path) for call in self.calls)

    # ---- What happens there ----

    def pay(self, session_id: str, number: str = GOOD) -> int:
        """Somebody types this card number into the page; returns the status of the answer."""
        with self.lock:
            session = self.sessions[session_id]
            self._run_out(session)
            if session["status"] != "open":
                return 410
            if number == DECLINED:
                return 402
            facts = session["_intent"]
            customer = self._name("cus") if session["_customer"] else None
            card = f"{self._name('pm')}_{'declined' if number == DECLINED_LATER else 'good'}"
            intent = self._new_intent(session["amount_total"], customer, card, facts.get("metadata") or {})
            session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent["id"], "url": None}
            session["customer"] = customer
            self.sessions[session_id] = session
            self._tell("payment_intent.succeeded", intent)
            self._tell("checkout.session.completed", session)
            return 303

    def return_money(self, payment_ref: str, cents: int, status: str = "succeeded", **metadata) -> dict:
        """A refund, made through the interface or in the processor's own office."""
        with self.lock:
            intent = self.intents.get(payment_ref)
            if intent is None:
                raise Refusal(404, f"No such payment_intent: '{payment_ref}'", code="resource_missing")
            held = sum(
                refund["amount"]
                for refund in self.refunds.values()
                if refund["payment_intent"] == payment_ref and refund["status"] != "failed"
            )
            if self.has_ceiling and cents > intent["amount"] - held:
                raise Refusal(400, "Refund amount is greater than unrefunded amount on charge")
            refund = self._new("re", "refund", self.refunds, amount=cents, currency="usd", status=status)
            refund |= {"payment_intent": payment_ref, "metadata": metadata}
            self._tell("refund.created", refund)
            charge = {"id": f"ch_{payment_ref}", "object": "charge", "payment_intent": payment_ref}
            self._tell("charge.refunded", charge)
            return refund

    def set_refund(self, refund_id: str, status: str):
        with self.lock:
            self.refunds[refund_id]["status"] = status
            self._tell("refund.failed" if status == "failed" else "refund.updated", self.refunds[refund_id])

    def dispute(self, payment_ref: str, cents: int, status: str = "needs_response") -> dict:
        with self.lock:
            dispute = self._new("du", "dispute", self.disputes, amount=cents, currency="usd", status=status)
            dispute |= {"payment_intent": payment_ref, "evidence_details": {"due_by": int(time.time()) + 9 * 86400}}
            self._tell("charge.dispute.created", dispute)
            return dispute

    def decide(self, dispute_id: str, status: str):
        with self.lock:
            self.disputes[dispute_id]["status"] = status
            self._tell("charge.dispute.closed", self.disputes[dispute_id])

    def pay_out(self, cents: int) -> dict:
        return self._new("po", "payout", self.payouts, amount=cents, currency="usd", status="paid")

    # ---- Books ----

    def _name(self, prefix):
        return f"{prefix}_{next(self.numbers):06d}"

    def _new(self, prefix, kind, table, **facts):
        with self.lock:
            row = {"id": self._name(prefix), "object": kind, "created": int(time.time()), "livemode": False, **facts}
            table[row["id"]] = row
            return row

    def _new_intent(self, cents, customer, card, metadata, status="succeeded"):
        return self._new(
            "pi", "payment_intent", self.intents, amount=cents, amount_received=cents, currency="usd", status=status,
            customer=customer, payment_method=card, metadata=metadata,
        )  # fmt: skip

    def _tell(self, kind, about):
        public = {name: value for name, value in about.items() if not name.startswith("_")}
        event = {
            "id": self._name("evt"),
            "object": "event",
            "type": kind,
            "livemode": False,
            "created": int(time.time()),
        }
        self.messages.append(json.loads(json.dumps(event | {"data": {"object": public}})))

    def _run_out(self, session):
        if session["status"] == "open" and session["expires_at"] < time.time():
            session |= {"status": "expired", "url": None}
            self._tell("checkout.session.expired", session)

    # ---- The interface ----

    def answer(self, method: str, path: str, asked: dict) -> dict:
        match (method, *path.removeprefix("/v1/").split("/")):
            case ("POST", "checkout", "sessions"):
                return self._create_session(asked)
            case ("GET", "checkout", "sessions"):
                return self._list(self.sessions, asked)
            case (_, "checkout", "sessions", session_id, *expire):
                return self._session(session_id, bool(expire))
            case ("POST", "payment_intents"):
                return self._charge(asked)
            case ("GET", "payment_intents"):
                return self._list(self.intents, asked, "customer")
            case ("GET", "payment_intents", intent_id):
                return self._with_charge(self.intents[intent_id], asked)
            case ("POST", "refunds"):
                return self.return_money(asked["payment_intent"], int(asked["amount"]), **asked.get("metadata", {}))
            case ("GET", "refunds"):
                return self._list(self.refunds, asked, "payment_intent")
            case ("GET", "disputes"):
                return self._list(self.disputes, asked)
            case ("GET", "payouts"):
                return self._list(self.payouts, asked)
        raise Refusal(404, f"Unrecognized request URL ({method}: {path})")

    def _create_session(self, asked):
        expires_at = int(asked["expires_at"])
        if not 1795 <= expires_at - time.time() <= 86405:
            raise Refusal(400, "The `expires_at` timestamp must be at least 30 minutes from now", param="expires_at")
        cents = int(asked["line_items"]["0"]["price_data"]["unit_amount"])
        if cents < 50:
            raise Refusal(400, "The total amount due must add up to at least $0.50 usd", code="amount_too_small")
        session = self._new("cs", "checkout.session", self.sessions, amount_total=cents, currency="usd")
        intent = asked.get("payment_intent_data") or {}
        session |= {
            "status": "open", "payment_status": "unpaid", "payment_intent": None, "customer": None,
            "client_reference_id": asked["client_reference_id"], "metadata": asked.get("metadata") or {},
            "expires_at": expires_at, "url": f"{self.origin}/c/pay/{session['id']}",
            "success_url": asked["success_url"], "cancel_url": asked["cancel_url"],
            "_intent": intent, "_customer": asked.get("customer_creation") == "always",
        }  # fmt: skip
        return session

    def _session(self, session_id, expire):
        session = self.sessions.get(session_id)
        if session is None:
            raise Refusal(404, f"No such checkout.session: '{session_id}'", code="resource_missing")
        self._run_out(session)
        if expire:
            if session["status"] != "open":
                raise Refusal(400, 'Only Checkout Sessions with a status in ["open"] can be expired.')
            session |= {"status": "expired", "url": None}
            self._tell("checkout.session.expired", session)
        return session

    def _charge(self, asked):
        is_good = asked["payment_method"].endswith("_good")
        facts = (int(asked["amount"]), asked["customer"], asked["payment_method"], asked.get("metadata") or {})
        intent = self._new_intent(*facts, status="succeeded" if is_good else "requires_payment_method")
        if not is_good:
            raise Refusal(402, "Your card was declined.", "card_error", code="card_declined")
        self._tell("payment_intent.succeeded", intent)
        return intent

    def _with_charge(self, intent, asked):
        wanted = " ".join((asked.get("expand") or {}).values()) if isinstance(asked.get("expand"), dict) else ""
        charge = {
            "id": f"ch_{intent['id']}", "object": "charge",
            "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}},
        }  # fmt: skip
        if "balance_transaction" in wanted:
            charge["balance_transaction"] = {"fee": 30 + intent["amount"] * 29 // 1000}
        return intent | {"latest_charge": charge if "latest_charge" in wanted else charge["id"]}

    def _list(self, table, asked, *filters):
        since = int((asked.get("created") or {}).get("gte", 0))
        rows = [
            row
            for row in reversed(table.values())
            if row["created"] >= since and all(name not in asked or row[name] == asked[name] for name in filters)
        ]
        names = [row["id"] for row in rows]
        after = asked.get("starting_after")
        start = names.index(after) + 1 if after in names else 0
        page = rows[start : start + int(asked.get("limit", 10))]
        if table is self.intents:
            page = [self._with_charge(row, asked) for row in page]
        return {"object": "list", "data": page, "has_more": start + len(page) < len(rows)}


class _Handler(BaseHTTPRequestHandler):
    """One request. (HTTP/1.0: each has a connection of its own.)"""

    books: StandIn

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self._serve("GET")

    def do_POST(self):
        self._serve("POST")

    def _serve(self, method):
        url = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if url.path.startswith("/c/pay/"):
            number = dict(parse_qsl(raw)).get("number", GOOD)
            status = self.books.pay(url.path.rsplit("/", 1)[1], number) if method == "POST" else 200
            return self._send(status, {})
        if not self.headers.get("Authorization", "").startswith("Bearer sk_test_"):
            return self._send(*Refusal(401, "Invalid API Key provided").answer)
        asked = nested(parse_qsl(raw if method == "POST" else url.query, keep_blank_values=True))
        key = self.headers.get("Idempotency-Key")
        with self.books.lock:
            self.books.calls.append((method, url.path, key))
            fault = next((f for f in self.books.faults if f[1:] == (method, url.path)), None)
            if fault:
                self.books.faults.remove(fault)
        if self.books.gate and (method, url.path) == ("GET", "/v1/refunds"):
            with suppress(threading.BrokenBarrierError):
                answer = self._answer(method, url.path, raw, asked, key, fault and fault[0])
                self.books.gate.wait(10)
                return self._send(*answer)
        answer = self._answer(method, url.path, raw, asked, key, fault and fault[0])
        if fault and fault[0] == "cut":
            return None
        return self._send(*answer)

    def _answer(self, method, path, raw, asked, key, fault):
        with self.books.lock:
            if fault == "429":
                return Refusal(429, "Too many requests", code="rate_limit").answer
            if fault == "409":
                return Refusal(409, "There is a request in progress", code="idempotency_key_in_use").answer
            known = self.books.keys.get(key) if key else None
            if known and known[0] != (path, raw):
                words = "Keys for idempotent requests can only be used with the same parameters"
                return Refusal(400, words, "idempotency_error").answer
            if known:
                return known[1]
            if fault == "500":
                answer = Refusal(500, "An unknown error occurred", "api_error").answer
            else:
                try:
                    answer = (200, json.loads(json.dumps(self.books.answer(method, path, asked))))
                except Refusal as refusal:
                    answer = refusal.answer
            if fault == "500 after":
                answer = Refusal(500, "An unknown error occurred", "api_error").answer
            if key:
                self.books.keys[key] = ((path, raw), answer)
            return answer

    def _send(self, status, body):
        data = json.dumps({name: value for name, value in body.items() if not name.startswith("_")}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
