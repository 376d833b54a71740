"""Reading what a gate sent: bounded, however it is packed and whatever it says of itself."""

import zlib
from typing import TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from werkzeug.exceptions import HTTPException

from attendance.fleet.web.refusals import JSON, Refusal

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_FAULTS_SAID = 5

Model = TypeVar("Model", bound=BaseModel)


def raw(request: Request, limit_bytes: int) -> bytes:
    """The body as it came.

    Raises:
        Refusal: it is longer than ``limit_bytes``, or not whole.
    """
    if (request.content_length or 0) > limit_bytes:
        raise _too_large(limit_bytes)
    request.max_content_length = limit_bytes + 1  # werkzeug counts what has no length of its own, too
    try:
        body = request.get_data(cache=False)
    except HTTPException as error:
        raise (
            _too_large(limit_bytes)
            if error.code == 413
            else Refusal(400, "cut-off", "The request ended before its body did. Send it again.")
        ) from error
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    return body


def unpacked(request: Request, limit_bytes: int) -> bytes:
    """The body, unpacked if it came packed.

    Raises:
        Refusal: it is longer than ``limit_bytes``, before or after, not whole, or packed in an unknown way.
    """
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    body = raw(request, limit_bytes)
    if coding == "identity":
        return body
    if coding != "gzip":
        raise Refusal(415, "unknown-coding", "Send the body as it is, or packed with gzip.")
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = unpacker.decompress(body, limit_bytes + 1)
    except zlib.error as error:
        raise Refusal(400, "bad-gzip", "The body is not gzip, although it says so. Send it again.") from error
    if len(content) > limit_bytes:
        raise _too_large(limit_bytes)
    if not unpacker.eof or unpacker.unused_data:
        raise Refusal(400, "bad-gzip", "The packed body is cut off, or more follows it. Send it again.")
    return content


def read(request: Request, model: type[Model], limit_bytes: int) -> Model:
    """The JSON in the body.

    Raises:
        Refusal: there is none, or it is not what ``model`` says.
    """
    if request.mimetype != JSON:
        raise Refusal(415, "not-json", f"Send the body as {JSON}.")
    try:
        content = from_json(unpacked(request, limit_bytes), allow_inf_nan=False)
    except ValueError as error:
        raise Refusal(400, "bad-json", f"The body is no JSON: {error}.") from error
    return checked(model, content)


def checked(model: type[Model], content: object) -> Model:
    """``content`` as a ``model``.

    Raises:
        Refusal: naming the fields that are wrong, never what they held.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        more = f"; and {len(faults) - _FAULTS_SAID} more" if len(faults) > _FAULTS_SAID else ""
        raise Refusal(400, "wrong-fields", f"{'; '.join(faults[:_FAULTS_SAID])}{more}.") from error


def _too_large(limit_bytes: int) -> Refusal:
    return Refusal(413, "too-large", f"The request has more than {limit_bytes} bytes. Send less at a time.")
