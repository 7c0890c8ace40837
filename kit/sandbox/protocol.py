"""AWS's wire protocols, read and written from botocore's service models.

As in AWS, the SigV4 credential scope of a request names the service and the region, and the model's
protocol names the operation. moto provides the routers, parsers and serialisers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core.loaders import Loader, create_loader
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import ServiceOperationRouter
from moto.core.serialize import SerializationContext, get_serializer_class
from werkzeug.exceptions import NotFound

from kit.aws_models import models

CREDENTIAL_SCOPE = re.compile(r"Credential=([A-Z0-9]+)/\d{8}/([\w-]+)/([\w.-]+)/aws4_request")
SERVICE_OF_SIGNING_NAME = {
    "access-analyzer": "accessanalyzer",
    "tagging": "resourcegroupstaggingapi",
}
# Amazon S3 API Reference, "Response Syntax": root elements that botocore's models do not have.
ROOTS = {
    "GetAccessPointPolicy": "GetAccessPointPolicyResult",
    "GetBucketVersioning": "VersioningConfiguration",
    "ListAccessPoints": "ListAccessPointsResult",
}
S3_CONTROL_PATH = "/v20180820/"

Response = tuple[bytes, int, dict[str, str]]


class AWSError(Exception):
    """An error in AWS's words: `code`, `message`, HTTP `status` and any extra `headers`."""

    def __init__(
        self, code: str, message: str, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True)
class Scope:
    """Who signed a request, for which service and region: the SigV4 credential scope.

    ``agent`` is the request's User-Agent.
    """

    access_key_id: str
    service: str
    region: str
    agent: str = ""


@dataclass(frozen=True)
class Operation:
    """The operation of a request, its protocol, and its parameters as sent."""

    model: OperationModel
    protocol: str
    parameters: dict[str, Any]


@cache
def _loader() -> Loader:
    """Return moto's loader, which corrects botocore's models; moto makes one for each service."""
    loader = create_loader()
    loader.file_loader = models().get_component("data_loader").file_loader
    return loader


@cache
def service_model(service: str) -> ServiceModel | None:
    """Return the model of `service`; None if botocore does not have the service."""
    try:
        return ServiceModel(_loader().load_service_model(service, "service-2"), service)
    except UnknownServiceError:
        return None


@cache
def _router(model: ServiceModel) -> ServiceOperationRouter:
    """Return what finds the operation of a request; moto's function loads its model once more."""
    return ServiceOperationRouter(model)


def read_scope(request: Request) -> Scope | None:
    """Return the credential scope of a signed request; None without a signature.

    The service has botocore's name (``accessanalyzer``, not ``access-analyzer``).
    """
    signed = request.headers.get("Authorization", "")
    if "X-Amz-Credential" in request.args:
        signed = f"Credential={request.args['X-Amz-Credential']}"
    if not (match := CREDENTIAL_SCOPE.search(signed)):
        return None
    access_key_id, region, name = match.groups()
    service = SERVICE_OF_SIGNING_NAME.get(name, name)
    if service == "s3" and request.path.startswith(S3_CONTROL_PATH):
        service = "s3control"
    return Scope(access_key_id, service, region, request.headers.get("User-Agent", ""))


def read_operation(request: Request, service: str) -> Operation | None:
    """Return the operation of a request to `service`; None if no model has it.

    Raises
    ------
    AWSError
        SerializationException, where the body is not what the protocol says.
    """
    model = service_model(service)
    if model is None:
        return None
    try:
        protocol = determine_request_protocol(model, request.content_type)
        operation, uri_parameters = _router(model).match(request)
    except (NotFound, NotImplementedError):
        return None
    try:
        parameters = PROTOCOL_PARSERS[protocol](operation).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.get_data(),
                "url_path": request.path,
                "url_params": uri_parameters,
            }
        )
    except (RequestParserError, ValueError, TypeError) as error:
        raise AWSError("SerializationException", str(error)) from error
    return Operation(operation, protocol, parameters | _unknown(request, operation, protocol))


def _unknown(request: Request, operation: OperationModel, protocol: str) -> dict[str, Any]:
    """Return the members of a JSON body that moto's parser ignores, so that they are validated."""
    if protocol not in {"json", "rest-json"} or not request.get_data():
        return {}
    shape = operation.input_shape
    names = {m.serialization.get("name", n) for n, m in shape.members.items()} if shape else set()
    return {k: v for k, v in json.loads(request.get_data()).items() if k not in names}


def write_result(operation: Operation, result: dict[str, Any], request_id: str) -> Response:
    """Return body, HTTP status and headers of a successful answer."""
    model, protocol = operation.model, operation.protocol
    serializer = get_serializer_class(model.service_model.service_name, protocol)
    response = serializer(model, SerializationContext(request_id)).serialize(result)
    body = response["body"]
    headers = dict(response["headers"]) | write_headers(protocol, request_id)
    body = body.encode() if isinstance(body, str) else body
    if root := ROOTS.get(model.name) if protocol == "rest-xml" else None:
        body = body.replace(f"{model.name}Response".encode(), root.encode())
    if model.name == "GetBucketPolicy":
        headers["Content-Type"] = "application/json"
    return body, response["status_code"], headers


def write_error(service: str, protocol: str, error: AWSError, request_id: str) -> Response:
    """Return body, HTTP status and headers of an error, in the shape of the service's protocol."""
    headers = write_headers(protocol, request_id) | error.headers
    if protocol in {"json", "rest-json"}:
        body = json.dumps({"__type": error.code, "message": error.message})
        return body.encode(), error.status, headers | {"x-amzn-ErrorType": error.code}
    fields = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if service == "s3":
        body = f"<Error>{fields}<RequestId>{request_id}</RequestId></Error>"
    elif protocol == "ec2":
        body = f"<Errors><Error>{fields}</Error></Errors><RequestID>{request_id}</RequestID>"
        body = f"<Response>{body}</Response>"
    else:
        side = "Sender" if error.status < 500 else "Receiver"
        body = f"<Error><Type>{side}</Type>{fields}</Error><RequestId>{request_id}</RequestId>"
        body = f"<ErrorResponse>{body}</ErrorResponse>"
    return body.encode(), error.status, headers


def write_headers(protocol: str, request_id: str) -> dict[str, str]:
    """Return the headers that an answer in a protocol has."""
    content_type = {"json": "application/x-amz-json-1.1", "rest-json": "application/json"}
    return {
        "Content-Type": content_type.get(protocol, "text/xml"),
        "x-amzn-RequestId": request_id,
        "x-amz-request-id": request_id,
    }


def default_protocol(service: str) -> str:
    """Return the protocol in which to answer a request whose operation is unknown."""
    model = service_model(service)
    if model is None:
        return "rest-xml"
    protocol = str(model.protocol)
    return protocol if protocol in PROTOCOL_PARSERS else "json"
