"""An OpenID provider on loopback, in Hugging Face's place: it asks for no password, and lets in
whom the test says.

    with FakeOpenID() as provider:          # OPENID_PROVIDER_URL=provider.url
        provider.person = ANN
"""

import json
import secrets
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "fake-client"
KEY = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})


@dataclass(frozen=True)
class Account:
    sub: str
    name: str

    @property
    def claims(self) -> dict[str, Any]:
        page = f"https://huggingface.co/{self.name}"
        names = {"preferred_username": self.name, "name": self.name.title()}
        return {"sub": self.sub, **names, "profile": page, "picture": f"{page}.png"}


ANN = Account("64f1c2a0b7e9d3f5a1c2b3d4", "ann")
BOB = Account("5e9f8a7b6c5d4e3f2a1b0c9d", "bob")


class FakeOpenID:
    def __init__(self) -> None:
        self.person = ANN
        # The nonces of those who are being let in, by their codes.
        self.nonces: dict[str, tuple[Account, str]] = {}
        # The tokens that were given away, which nobody but this server need ever see again.
        self.tokens: list[str] = []

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """The same of this provider."""
        return self.variables(self.url)

    @staticmethod
    def variables(url: str) -> dict[str, str]:
        """What Hugging Face sets on a Space with `hf_oauth: true`."""
        return {
            "SYSTEM": "spaces",
            "SPACE_ID": "ann/helper",
            "OAUTH_CLIENT_ID": CLIENT,
            "OAUTH_CLIENT_SECRET": "a-secret-of-the-space",
            "OAUTH_SCOPES": "openid profile",
            "OPENID_PROVIDER_URL": url,
        }

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def let_in(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        code = secrets.token_urlsafe(8)
        self.nonces[code] = self.person, query["nonce"]
        back = query["redirect_uri"]
        joint = "&" if urlsplit(back).query else "?"
        return f"{back}{joint}{urlencode({'code': code, 'state': query['state']})}"

    def token(self, code: str) -> dict[str, Any]:
        account, nonce = self.nonces.pop(code)
        now = int(time.time())
        times = {"iat": now, "exp": now + 600, "auth_time": now}
        claims = {"iss": self.url, "aud": CLIENT, "nonce": nonce, **times, **account.claims}
        id_token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, KEY)
        access = f"hf_oauth_{secrets.token_urlsafe(300)}"  # As long as a real one.
        self.tokens += [access, id_token]
        kind = {"token_type": "bearer", "expires_in": 28_800, "scope": "openid profile"}
        return {"access_token": access, "id_token": id_token, **kind}


def handler_of(provider: FakeOpenID) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            match url.path:
                case "/.well-known/openid-configuration":
                    self.answer(provider.configuration())
                case "/jwks":
                    self.answer({"keys": [KEY.as_dict(private=False)]})
                case "/authorize":
                    query = {name: values[0] for name, values in parse_qs(url.query).items()}
                    self.send_response(302)
                    self.send_header("location", provider.let_in(query))
                    self.send_header("content-length", "0")
                    self.end_headers()
                case _:
                    self.send_error(404)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["content-length"])).decode()
            self.answer(provider.token(parse_qs(sent)["code"][0]))

        def answer(self, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
