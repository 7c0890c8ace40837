"""The page with which ``evidence lab`` begins, as an extension of Jupyter's server.

Jupyter prints its default address and adds the token to it, but not to an address that has a query
already. So the default address has none, and redirects to the page.
https://github.com/jupyter-server/jupyter_server/blob/main/jupyter_server/serverapp.py (_get_urlparts)
"""

from __future__ import annotations

from typing import Any

ADDRESS = "/evidence"
_PAGE = "/lab/tree/notebooks/evidence_pack.ipynb?file-browser-path=/"  # the browser is at the root


def _load_jupyter_server_extension(server: Any) -> None:
    """Redirect the address to the page, with the token that the address is given."""
    from jupyter_server.base.handlers import RedirectWithParams

    base = server.base_url.rstrip("/")
    target = {"url": base + _PAGE, "permanent": False}
    server.web_app.add_handlers(".*$", [(base + ADDRESS, RedirectWithParams, target)])
