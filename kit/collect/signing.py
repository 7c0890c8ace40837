"""Signatures of the requests: botocore's own, with less work for each."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any

from botocore import auth


class _Once:
    """Selects a request's headers once, where botocore selects them twice, with e-mail's parser.

    References
    ----------
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """

    _selected: dict[str, str] | None = None

    def add_auth(self, request: Any) -> None:
        """Sign a request."""
        self._selected = None
        super().add_auth(request)  # type: ignore[misc]

    def headers_to_sign(self, request: Any) -> dict[str, str]:
        """Return the headers that the signature covers, by name in lower case."""
        if self._selected is None:
            self._selected = {
                lower: value
                for name, value in request.headers.items()
                if (lower := name.lower()) not in auth.SIGNED_HEADERS_BLACKLIST
            }
            self._selected.setdefault("host", auth._host_from_url(request.url))
        return self._selected

    def canonical_headers(self, headers_to_sign: dict[str, str]) -> str:
        """Return a line for each header, sorted."""
        return "\n".join(
            f"{name}:{' '.join(value.split())}" for name, value in sorted(headers_to_sign.items())
        )

    def signed_headers(self, headers_to_sign: dict[str, str]) -> str:
        """Return the sorted names."""
        return ";".join(sorted(headers_to_sign))

    def payload(self, request: Any) -> str:
        """Return the digest of a body; botocore prepares the whole request to read it."""
        if type(request.data) is bytes and self._is_signed(request):
            return sha256(request.data).hexdigest()
        return str(super().payload(request))  # type: ignore[misc]

    def _is_signed(self, request: Any) -> bool:
        streams = self._is_streaming_checksum_payload(request)  # type: ignore[attr-defined]
        return not streams and self._should_sha256_sign_payload(request)  # type: ignore[attr-defined]

    def _sign(self, key: bytes, msg: str, hex: bool = False) -> bytes | str:
        made = hmac.digest(key, msg.encode(), "sha256")
        return made.hex() if hex else made


def sign_with_less_work() -> None:
    """Let botocore sign by `_Once` what it signs by its own classes; those of AWS's CRT stay.

    botocore documents no way to name the class of a signature.
    https://github.com/boto/botocore/blob/develop/botocore/auth.py (AUTH_TYPE_MAPS)
    """
    for version, made in (("v4", auth.SigV4Auth), ("s3v4", auth.S3SigV4Auth)):
        if auth.AUTH_TYPE_MAPS.get(version) is made:
            auth.AUTH_TYPE_MAPS[version] = type("Once", (_Once, made), {})
