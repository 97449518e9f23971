"""What somebody writes after Binance's own pages: requests for REST, websocket-client for sockets, nothing else.

Prints one JSON object: a name for each step, and what came of it.
"""
import hashlib
import hmac
import json
import os
import time
import uuid
from urllib.parse import urlencode

import requests
import websocket

HTTP, SOCKETS = os.environ["APP_HTTP"], os.environ["APP_SOCKETS"]
KEY, SECRET = os.environ["APP_KEY"], os.environ["APP_SECRET"]
TIMEOUT_S = 30

rest = requests.Session()
rest.headers["X-MBX-APIKEY"] = KEY
results = {}


def signature(text):
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def call(method, path, signed=True, in_body=False, **params):
    if signed:
        params["timestamp"] = int(time.time() * 1000)
        params["signature"] = signature(urlencode(params))
    place = {"data" if in_body else "params": params}
    answer = rest.request(method, HTTP + path, timeout=TIMEOUT_S, **place)
    return answer.status_code, answer.json()


def dial(path):
    # An Origin of its own making comes with each upgrade: the address that is dialled.
    return websocket.create_connection(SOCKETS + path, timeout=TIMEOUT_S)


def ask(socket, method, signed=True, **params):
    if signed:
        params = {**params, "apiKey": KEY, "timestamp": int(time.time() * 1000)}
        params["signature"] = signature("&".join(f"{name}={params[name]}" for name in sorted(params)))
    asked = str(uuid.uuid4())
    socket.send(json.dumps({"id": asked, "method": method, "params": params}))
    return until(socket, lambda told: told.get("id") == asked)


def until(socket, is_wanted):
    deadline = time.time() + TIMEOUT_S
    while time.time() < deadline:
        told = json.loads(socket.recv())
        if is_wanted(told):
            return told
    raise TimeoutError("nothing of that kind came")


def filled(told):
    event = told.get("event", told)
    # At USD-M the order stands in `o`; at spot that is its type.
    order = event["o"] if isinstance(event.get("o"), dict) else event
    return order.get("X") == "FILLED"


def heard(socket, is_wanted):
    """Trades until a market stream tells something: the first trade may come before the exchange has it subscribed."""
    socket.settimeout(2)
    for _ in range(15):
        ask(api, "order.place", newOrderRespType="RESULT", **MARKET)
        try:
            return until(socket, is_wanted)
        except websocket.WebSocketTimeoutException:
            continue
    raise TimeoutError("nothing was heard of the market")


LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "10000"}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}

# REST
results["time"] = call("GET", "/api/v3/time", signed=False)[0]
results["account"] = call("GET", "/api/v3/account")[1].get("accountType")
results["order"] = call("POST", "/api/v3/order", in_body=True, newClientOrderId="raw-rest", **LIMIT)[1].get("status")
results["cancel"] = call("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="raw-rest")[1].get("status")
results["usdm order"] = call("POST", "/fapi/v1/order", newClientOrderId="raw-usdm", **LIMIT)[1].get("status")
results["usdm cancel"] = call("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="raw-usdm")[1].get("status")
results["withdrawal"] = call("POST", "/sapi/v1/capital/withdraw/apply", coin="USDT", address="0x0", amount="1")[1].get("code")
results["other secret"] = rest.get(HTTP + "/api/v3/account", timeout=TIMEOUT_S, params={
    "timestamp": int(time.time() * 1000), "signature": hmac.new(b"other", b"", hashlib.sha256).hexdigest()}).json().get("code")

# The signed WebSocket API, with the fill of an order on the same socket
api = dial("/ws-api/v3")
results["ws unproven"] = ask(api, "time", signed=False)["status"]
results["ws account"] = ask(api, "account.status")["status"]
results["ws time"] = ask(api, "time", signed=False)["status"]
results["ws order"] = ask(api, "order.place", newClientOrderId="raw-ws", **LIMIT)["result"]["status"]
results["ws cancel"] = ask(api, "order.cancel", symbol="BTCUSDT", origClientOrderId="raw-ws")["result"]["status"]
results["ws subscribe"] = ask(api, "userDataStream.subscribe.signature")["status"]

# Market streams: one in the path, two in the query, one by a frame
raw, combined, joined = dial("/ws/btcusdt@trade"), dial("/stream?streams=btcusdt@trade/btcusdt@bookTicker"), dial("/ws")
joined.send(json.dumps({"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 1}))
results["ws subscribed"] = until(joined, lambda told: told.get("id") == 1)["result"]
results["ws market order"] = ask(api, "order.place", newOrderRespType="RESULT", **MARKET)["result"]["status"]
results["ws fill"] = until(api, filled)["event"]["e"]
results["ws trade"] = heard(raw, lambda told: "e" in told)["e"]
results["ws combined"] = heard(combined, lambda told: "stream" in told)["stream"]
results["ws joined"] = heard(joined, lambda told: "e" in told)["e"]

# User data of USD-M by its listen key
listen_key = call("POST", "/fapi/v1/listenKey", signed=False)[1]["listenKey"]
private = dial("/private/ws?listenKey=" + listen_key)
results["usdm market order"] = call("POST", "/fapi/v1/order", newOrderRespType="RESULT", **MARKET)[1].get("status")
results["usdm fill"] = until(private, filled)["e"]

# Another page's Origin is a browser's, also at an upgrade
try:
    websocket.create_connection(SOCKETS + "/ws-api/v3", timeout=TIMEOUT_S, origin="http://evil.example").close()
except websocket.WebSocketBadStatusException as refused:
    results["foreign origin"] = refused.status_code
for socket in (api, raw, combined, joined, private):
    socket.close()
print(json.dumps(results))
