"""Stores of packs and snapshots: a folder, or S3. Each item is stored whole or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import botocore.exceptions as aws

from kit.bag import DECLARATION
from kit.batch.accounts import ObjectLock
from kit.bounds import STORED, read_file
from kit.collect.session import shell_client
from kit.errors import CannotRunError, UserError
from kit.outputs import check_writable, discard, make_parents, scratch, write_file, writing
from kit.shortage import describe
from kit.snapshot import HEADER

_LAST = (DECLARATION, HEADER)  # a folder without these is neither a pack nor a snapshot


class Store(Protocol):
    """Names are relative, with ``/`` between folders."""

    def check(self, name: str) -> None:
        """Check that the place is there, before anything is made for it.

        Parameters
        ----------
        name : str
            The field that names the place.

        Raises
        ------
        UserError
            The bucket does not exist.
        CannotRunError
            The place cannot be read or written.
        """

    def local(self, name: str) -> Path | None:
        """Return the path of a file or folder; None where the store is not on this machine."""

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None where there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all."""

    def remove(self, name: str) -> None:
        """Remove a folder; nothing where there is none."""

    def making(self, name: str) -> AbstractContextManager[Path]:
        """Return a context of a path for a new folder, which is stored when the context ends."""

    def opened(self, name: str) -> AbstractContextManager[Path]:
        """Return a context of a path at which a stored folder can be read."""


def open_store(place: str, lock: ObjectLock | None = None) -> Store:
    """Return the store at a folder or ``s3://bucket/prefix``.

    Raises
    ------
    UserError
        The address names no bucket.
    """
    if not place.startswith("s3://"):
        return Folder(Path(place))
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not bucket:
        raise UserError(f"outputs: {place!r} names no bucket; write s3://bucket/prefix")
    return Bucket(bucket, prefix.strip("/"), lock)


class Folder(Store):
    """A folder on a disk."""

    def __init__(self, root: Path):
        self._root = root

    def check(self, name: str) -> None:
        """Check that files can be made in the folder, which is made if missing."""
        with writing(self._root, name):
            make_parents(self._root / name)
            check_writable(self._root)

    def local(self, name: str) -> Path | None:
        """Return the path of a file or folder."""
        return self._root / name

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None where there is none."""
        try:
            return read_file(self._root / name, STORED)
        except FileNotFoundError:
            return None
        except OSError as error:
            why = describe(error)
            raise CannotRunError(f"outputs: {self._root / name} cannot be read ({why})") from None

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all."""
        write_file(self._root / name, content)

    def remove(self, name: str) -> None:
        """Remove a folder."""
        discard(self._root / name)

    @contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """Yield the folder's final path: the writer moves it there whole."""
        yield self._root / name

    @contextmanager
    def opened(self, name: str) -> Iterator[Path]:
        """Yield the folder itself."""
        yield self._root / name


class Bucket(Store):
    """A prefix in S3, used with the credentials of the process, not of an account's role."""

    def __init__(self, bucket: str, prefix: str, lock: ObjectLock | None):
        self._bucket, self._prefix, self._lock = bucket, prefix, lock
        self._s3 = shell_client("s3")

    def check(self, name: str) -> None:
        """Check that the bucket exists and that its list can be read; nothing is written."""
        place = f"s3://{self._bucket}/{self._prefix}"
        at = {"Bucket": self._bucket, "Prefix": self._at("batches")["Key"]}
        try:
            self._s3.list_objects_v2(**at, MaxKeys=1)
        except self._s3.exceptions.NoSuchBucket:
            raise UserError(
                f"{name}: {place!r}: the bucket {self._bucket!r} does not exist; name a bucket of yours, "
                "or a folder"
            ) from None
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise CannotRunError(f"{name}: {place} cannot be read: {error}") from None

    def local(self, name: str) -> Path | None:
        """Return None: objects have no path."""
        return None

    def read(self, name: str) -> bytes | None:
        """Return the content of an object; None where there is none."""
        try:
            content: bytes = self._s3.get_object(**self._at(name))["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise self._failed(name, "read", error) from None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write an object, with the lock if the batch names one."""
        locked: dict[str, Any] = {}
        if self._lock:
            until = dt.datetime.now(dt.UTC) + dt.timedelta(days=self._lock.days)
            locked = {"ObjectLockMode": self._lock.mode, "ObjectLockRetainUntilDate": until}
        try:
            self._s3.put_object(
                **self._at(name), Body=content, ChecksumAlgorithm="SHA256", **locked
            )
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise self._failed(name, "written", error) from None

    def remove(self, name: str) -> None:
        """Remove the objects of a folder; their locked versions remain."""
        for key in self._keys(name):
            try:
                self._s3.delete_object(Bucket=self._bucket, Key=key)
            except (aws.ClientError, aws.BotoCoreError) as error:
                raise self._failed(name, "deleted", error) from None

    @contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """Yield a temporary folder; at the end write its files to S3, the declaration last."""
        with scratch() as folder:
            made = folder / Path(name).name
            yield made
            for path in sorted(made.rglob("*"), key=lambda path: (path.name in _LAST, path)):
                if path.is_file():
                    self.write(f"{name}/{path.relative_to(made).as_posix()}", path.read_bytes())

    @contextmanager
    def opened(self, name: str) -> Iterator[Path]:
        """Yield a temporary copy."""
        with scratch() as folder:
            made = folder / Path(name).name
            start = f"{self._at(name)['Key']}/"
            for key in self._keys(name):
                path = made / key.removeprefix(start)
                content = self.read(f"{name}/{key.removeprefix(start)}") or b""
                with writing(path, "TMPDIR"):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
            yield made

    def _keys(self, name: str) -> list[str]:
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._at(name)['Key']}/"
            )
            return [item["Key"] for page in pages for item in page.get("Contents", ())]
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise self._failed(name, "read", error) from None

    def _at(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": "/".join(filter(None, (self._prefix, name)))}

    def _failed(self, name: str, what: str, error: Exception) -> CannotRunError:
        where = f"s3://{self._bucket}/{self._at(name)['Key']}"
        return CannotRunError(f"outputs: {where} cannot be {what}: {error}")
