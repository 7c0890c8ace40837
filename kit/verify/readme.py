"""Whether ``README.txt``, which a reader opens first, is what the kit writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kit.bag import README
from kit.pack.info import LOCK
from kit.pack.readme import readme
from kit.verify.checks import Check, failed, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.maker import Maker


def check_readme(contents: Contents, info: Mapping[str, str], maker: Maker) -> Iterator[Check]:
    """Yield whether the text is what the kit makes of ``bag-info.txt`` and the list of files.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        Labels and values of ``bag-info.txt``.
    maker : Maker
        Which kit made the pack, in which language.
    """
    if README not in contents.sizes:
        if LOCK in info:  # packs sealed before have none
            yield maker.differs(README, "a file", "none")
        return
    try:
        content = contents.read(README)
    except UnreadableError as error:
        yield failed(README, "a text", f"it {error}")
        return
    names = [name for name in contents.sizes if name.startswith("data/")]
    try:
        made = readme(info, names).encode()
    except KeyError as error:
        yield failed(README, f"a label {error.args[0]} in bag-info.txt", "none")
        return
    if content == made:
        yield passed(README, "byte for byte what the kit writes")
    else:
        yield maker.differs(README, "what the kit writes", repr(content[:120]))
