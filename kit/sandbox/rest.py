"""moto, which answers the operations that the sandbox does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from kit.sandbox.declared import Account

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Moto:
    """moto's server, called in this process, for one sample account at a time.

    moto keeps its state for the whole process, so that all sandboxes of a process share it.
    """

    def __init__(self) -> None:
        self._application = DomainDispatcherApplication(_backend)
        self._registered: set[str] = set()
        self._lock = Lock()

    def __call__(
        self, environ: Environ, start_response: StartResponse, account: Account | None = None
    ) -> Iterable[bytes]:
        """Answer a WSGI request, as `account` where the request is signed.

        Raises
        ------
        NotImplementedError
            moto does not have the operation.
        """
        if account is not None:
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = account.id
            with self._lock:
                if account.id not in self._registered:
                    _register(account)
                    self._registered.add(account.id)
        return self._application(environ, start_response)  # type: ignore[no-any-return]


def _backend(service: Any) -> Any:
    """Return moto's application of a service; errors in it reach the sandbox, which words them."""
    application = create_backend_app(service)
    application.config["PROPAGATE_EXCEPTIONS"] = True
    return application


def _register(account: Account) -> None:
    """Create the declared buckets, users, groups and roles in moto, by name."""
    s3 = get_backend("s3")[account.id]["aws"]
    for bucket in account.declared("s3", "Buckets", ""):
        if bucket["Name"] not in s3.buckets:
            s3.create_bucket(bucket["Name"], bucket["BucketRegion"])
    iam = get_backend("iam")[account.id]["aws"]
    for group in account.declared("iam", "GroupDetailList", ""):
        if group["GroupName"] not in iam.groups:
            iam.create_group(group["GroupName"], group["Path"])
    for user in account.declared("iam", "UserDetailList", ""):
        if user["UserName"] not in iam.users:
            iam.create_user(account.home_region, user["UserName"], user["Path"])
    existing = {role.name for role in iam.roles.values()}
    for role in account.declared("iam", "RoleDetailList", ""):
        if role["RoleName"] not in existing:
            trust = role["AssumeRolePolicyDocument"]
            iam.create_role(role["RoleName"], trust, role["Path"], None, "", [], None)
