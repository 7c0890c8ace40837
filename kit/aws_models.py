"""botocore's own data, read without a request: AWS's regions, services and their interfaces."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import UnknownRegionError
from botocore.loaders import JSONFileLoader, Loader
from botocore.regions import EndpointResolver

# Each of botocore's settings without the file and the environment variable that could set it:
# what is read here is the same for every user, whatever state their AWS configuration is in.
# ``data_path`` alone names further models.
_NO_CONFIGURATION = {
    name: (None, None, default, convert)
    for name, (_, _, default, convert) in botocore.session.Session.SESSION_VARIABLES.items()
    if name != "data_path"
} | {
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "ignore_configured_endpoint_urls": (None, None, True, None),
}

_SERVICE = "service-2"  # the name of a service's model


class _ModelFiles(JSONFileLoader):  # type: ignore[misc]
    """Reads models without the texts of their documentation, half of their memory."""

    def load_file(self, file_path: str) -> Any:
        """Return the content of a file whose path is given without its ending; None without it."""
        for ending, read in ((".json", bytes), (".json.gz", gzip.decompress)):
            if os.path.isfile(file_path + ending):
                text = read(Path(file_path + ending).read_bytes())
                if not file_path.endswith(_SERVICE):  # others have little documentation
                    return json.loads(text)
                own = file_path.startswith(Loader.BUILTIN_DATA_PATH)
                return _model(text) if own else _parsed(text)
        return None


class _Shapes(dict[str, Any]):
    """The shapes of a model, each parsed when it is first looked up; all for whatever needs more.

    EC2 has a third of the text of all models that the kit reads, and a run needs little of it. What
    botocore merges into a model, it merges into a dictionary alone (`botocore.utils.deep_merge`).
    """

    def __getitem__(self, name: str) -> Any:
        shape = super().__getitem__(name)
        if isinstance(shape, bytes):
            shape = self[name] = _parsed(shape)
        return shape

    def get(self, name: str, default: Any = None) -> Any:
        """As a dictionary's."""
        with suppress(KeyError):
            return self[name]
        return default

    def _parse(self) -> None:
        each = dict.items(self)
        left = [(name.encode(), text) for name, text in each if isinstance(text, bytes)]
        self.update(_parsed(b"{%b}" % b",".join(b'"%b":%b' % shape for shape in left)))


def _of_parsed(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of dictionaries that first parses all shapes."""

    def called(*given: Any) -> Any:
        for shapes in given:
            if isinstance(shapes, _Shapes):
                shapes._parse()
        return method(*given)

    return called


for _name in (
    *("__eq__", "__ne__", "__or__", "__ror__", "__ior__", "__iter__", "__reversed__", "__repr__"),
    *("copy", "items", "keys", "pop", "popitem", "setdefault", "values"),
):
    setattr(_Shapes, _name, _of_parsed(getattr(dict, _name)))


_BEGIN = re.compile(rb'\n  "shapes": ?{\n    "')


def _model(text: bytes) -> Any:
    """Return one of botocore's models, whose shapes are parsed when they are needed.

    botocore's files are indented by two spaces, and a string in JSON holds no line break. A file of
    another form is parsed whole.
    """
    begin = _BEGIN.search(text)
    end = text.find(b"}\n  }", begin.end()) if begin else -1
    if not begin or end < 0:
        return _parsed(text)
    model = _parsed(b'%b\n"shapes":{%b' % (text[: begin.start()], text[end + 3 :]))
    each = (shape.partition(b'":') for shape in text[begin.end() : end].split(b'},\n    "'))
    model["shapes"] = _Shapes((name.decode(), shape + b"}") for name, _, shape in each)
    return model


def _parsed(text: bytes) -> Any:
    return json.loads(text, object_hook=_without_documentation)


def _without_documentation(item: dict[str, Any]) -> dict[str, Any]:
    if isinstance(item.get("documentation"), str):  # else it is a member of that name
        item["documentation"] = ""  # botocore expects the name
    return item


@cache
def models() -> botocore.session.Session:
    """Return the session whose data is read; it holds no credentials and no configuration."""
    session = botocore.session.Session(session_vars=_NO_CONFIGURATION)
    for section in ("s3", "proxies_config"):  # of which botocore keeps variables apart
        session.get_component("config_store").set_config_variable(section, {})
    loader = session.get_component("data_loader")
    loader.file_loader = _ModelFiles()
    # botocore looks through the folders of all services for each kind of file that it reads of one.
    # Its own services have all kinds that a client needs; it asks which of the others have them.
    others = set(loader.search_paths) - {Loader.BUILTIN_DATA_PATH}
    if not any(map(os.path.isdir, others)):
        services = loader.list_available_services
        loader.list_available_services = lambda type_name: services(_SERVICE)
    return session


@cache
def _read_from() -> str | None:
    """Return the ``data_path`` from which the models were first read; None for botocore alone."""
    path: str | None = models().get_config_variable("data_path")
    return path


def share_models(other: botocore.session.Session) -> None:
    """Share this process's loaded models with a session that reads the same files."""
    if other.get_config_variable("data_path") == _read_from():
        other.register_component("data_loader", models().get_component("data_loader"))


@cache
def listed_regions(service: str, *, others: bool = False) -> tuple[str, ...]:
    """Return the regions of all partitions where botocore lists an endpoint, sorted.

    Parameters
    ----------
    service : str
        The prefix of its endpoints: ``appstream2``. botocore would read the service's model to find
        that.
    others : bool
        Whether endpoints that are not a region's are among them.
    """
    listed = EndpointResolver(models().get_component("data_loader").load_data("endpoints"))
    return tuple(
        sorted(
            region
            for partition in listed.get_available_partitions()
            for region in listed.get_available_endpoints(service, partition, others)
        )
    )


def partition_of(region: str) -> str:
    """Return the partition of a region: aws, aws-us-gov ...; empty if the region is unknown."""
    try:
        return str(models().get_partition_for_region(region))
    except UnknownRegionError:
        return ""


@cache
def home_region(partition: str) -> str:
    """Return the region in which a partition's global services answer: us-east-1 in aws.

    References
    ----------
    Smithy, "AWS partitions": ``implicitGlobalRegion``, as botocore's partitions.json has it.
    """
    listed = models().get_component("data_loader").load_data("partitions")["partitions"]
    return next(str(p["outputs"]["implicitGlobalRegion"]) for p in listed if p["id"] == partition)


def is_listed(service: str, partition: str) -> bool:
    """Return whether botocore's endpoints.json lists an endpoint of a service in a partition.

    All services are in aws; the file lists no endpoint of those that are there alone (Artifact).
    """
    listed = models().get_available_regions(service, partition, allow_non_regional=True)
    return partition == "aws" or bool(listed)


def load_models(services: Iterable[str]) -> None:
    """Load the models of services, so that processes forked from this process have them."""
    _read_from()  # cached before a fork, whose environment may differ
    loader = models().get_component("data_loader")
    for service in services:
        for kind in (_SERVICE, "endpoint-rule-set-1"):
            loader.load_service_model(service, kind, api_version=None)  # as a client does
    models().create_client(  # which reads what all services share
        "sts",
        region_name="us-east-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )
