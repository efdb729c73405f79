"""Access tokens that nobody has to remember: each says when it expires, and is signed."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from base64 import urlsafe_b64encode

from docpre.service.baidu_errors import BaiduError, Code

#: Seconds that a token is good for, as Baidu's are.
LIFE_S = 30 * 24 * 3600
#: Where tokens are handed out.
TOKEN_PATH = "/oauth/2.0/token"
_FORM = re.compile(r"docpre\.([0-9]{1,12})\.([\w-]{43})", re.ASCII)
# Guessing a weak secret from a token takes this many times as long.
_ROUNDS = 100_000


class Tokens:
    """Hands out tokens for a client, and knows its own again, in every process that has the same pair.

    Args:
        client_id, client_secret: the pair that a client has to know.
    """

    def __init__(self, client_id: str, client_secret: str) -> None:
        self._client_id = client_id.encode()
        self._client_secret = client_secret.encode()
        salt = b"docpre access token\0" + self._client_id
        self._key = hashlib.pbkdf2_hmac("sha256", self._client_secret, salt, _ROUNDS)

    def knows(self, client_id: str, client_secret: str) -> tuple[bool, bool]:
        """Whether the id is the right one, and whether the secret is; it takes as long for the right ones."""
        return (
            hmac.compare_digest(client_id.encode(), self._client_id),
            hmac.compare_digest(client_secret.encode(), self._client_secret),
        )

    def issue(self, now: float | None = None) -> str:
        """A token that is good for ``LIFE_S`` seconds.

        Args:
            now: seconds since 1970; None: the clock's.
        """
        expires = int(time.time() if now is None else now) + LIFE_S
        return f"docpre.{expires}.{self._signature(expires)}"

    def check(self, token: str, now: float | None = None) -> None:
        """Pass a token that is good.

        Raises:
            BaiduError: 110 where it is not one of these, 111 where it has expired.
        """
        form = _FORM.fullmatch(token)
        if form is None or not hmac.compare_digest(form[2], self._signature(int(form[1]))):
            raise BaiduError(Code.TOKEN_INVALID, f"ask for one at {TOKEN_PATH}.")
        if int(form[1]) <= (time.time() if now is None else now):
            raise BaiduError(Code.TOKEN_EXPIRED, f"ask for a new one at {TOKEN_PATH}.")

    def _signature(self, expires: int) -> str:
        digest = hmac.digest(self._key, str(expires).encode(), "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode()
