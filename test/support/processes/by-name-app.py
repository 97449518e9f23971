"""What somebody writes in an afternoon: Binance's hosts as constants and the standard library; requests where it is there."""
import hashlib
import hmac
import http.client
import json
import os
import ssl
import time
from urllib.parse import urlencode

KEY, SECRET = os.environ["APP_KEY"], os.environ["APP_SECRET"]


def call(host, method, path, params=None, signed=True, sent_host=None):
    pairs = dict(params or {})
    if signed:
        pairs["timestamp"] = int(time.time() * 1000)
        pairs["signature"] = hmac.new(SECRET.encode(), urlencode(pairs).encode(), hashlib.sha256).hexdigest()
    connection = http.client.HTTPSConnection(host, timeout=30, context=ssl.create_default_context())
    headers = {"X-MBX-APIKEY": KEY, "User-Agent": "afternoon"}
    if sent_host is not None:
        headers["Host"] = sent_host
    query = "?" + urlencode(pairs) if pairs else ""
    connection.request(method, path + query, headers=headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body.get("code") if isinstance(body, dict) else None


order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "20000"}
results = {
    "spot": call("api.binance.com", "GET", "/api/v3/account"),
    "order": call("api1.binance.com", "POST", "/api/v3/order", order),
    "usdm": call("fapi.binance.com", "GET", "/fapi/v3/balance"),
    "usdm data": call("fapi.binance.com", "GET", "/fapi/v1/time", signed=False),
    "coinm": call("dapi.binance.com", "GET", "/dapi/v1/balance"),
    "withdrawal": call("api.binance.com", "POST", "/sapi/v1/capital/withdraw/apply",
                       {"coin": "USDT", "address": "0x0", "amount": "1"}),
    "wrong host": call("api.binance.com", "GET", "/api/v3/account", sent_host="example.com"),
    "wrong place": call("fapi.binance.com", "GET", "/api/v3/account"),
}
try:
    import requests
except ImportError:
    results["requests"] = "missing"
else:
    answer = requests.get("https://api.binance.com/api/v3/time", timeout=30)
    results["requests"] = answer.status_code
print(json.dumps(results))
