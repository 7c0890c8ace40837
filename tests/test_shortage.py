"""What ran out is named, whichever library reports it, and nothing else is taken for that."""

from __future__ import annotations

import errno
import os

import pytest

from kit import shortage


def wrapped(error: BaseException) -> BaseException:
    """The error of a library whose cause is an error."""
    try:
        try:
            raise error
        except BaseException as cause:
            raise ValueError("it did not work") from cause
    except ValueError as made:
        return made


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/file"),
            "/tmp/file: the disk is full",
        ),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "the disk is full, probably at /"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "ulimit -n"),
        (MemoryError(), "the memory"),
        (RuntimeError("std::bad_alloc"), "the memory"),
        (ImportError("lib.so: failed to map segment from shared object"), "the memory"),
        (RuntimeError("write error: No space left on device (os error 28)"), "the disk is full"),
    ],
)
def test_what_ran_out_is_named(error: BaseException, words: str) -> None:
    assert words in shortage.of(error)
    assert words in shortage.of(wrapped(error))
    assert words in shortage.of(ExceptionGroup("several", [Exception("other"), wrapped(error)]))  # type: ignore[list-item]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a mistake"),
        PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/private/file"),
        OSError(errno.EFBIG, "has more than 4,096 bytes"),  # the kit's own bound of an input
    ],
)
def test_other_errors_are_no_shortage(error: Exception) -> None:
    assert shortage.of(wrapped(error)) == ""


def test_a_message_may_be_of_somebody_else() -> None:
    error = ValueError("the answer begins with: No space left on device")
    assert shortage.of(error, by_text=False) == ""
    assert shortage.of(error) != ""
