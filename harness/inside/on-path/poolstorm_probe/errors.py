"""Of which kind an error of the database's is: its SQLSTATE, or one of `layout.ERROR_WORDS`."""

from __future__ import annotations

_OVERLAP = ("operation is in progress", "command is already in progress", "underway", "re-entered recursively")
_OF_SERVERS = (
    ("too many clients", "53300"),
    ("remaining connection slots are reserved", "53300"),
    ("too many connections for", "53300"),
    ("the database system is", "57P03"),
    ("terminating connection due to administrator command", "57P01"),
    ("password authentication failed", "28P01"),
)
"""What PostgreSQL says where libpq hands on its words only, as it does while it connects."""
_LOST = ("closed", "lost", "terminat", "refused", "reset by peer", "broken pipe", "gone away")
_TIMED_OUT = ("timeout expired", "timed out")
_LONGEST = 1_000
"""Characters of an error's text that are looked at."""


def kind_of(error: BaseException) -> str:
    """By what it bears and says, as the classes of drivers are not to be imported here."""
    for bearer in (error, getattr(error, "orig", None), error.__cause__):
        code = _sqlstate(bearer)
        if code:
            return code
    names = {of.__name__ for of in type(error).__mro__}
    if "CancelledError" in names:
        return "cancelled"
    text = _text(error)
    if getattr(error, "code", None) == "isce" or any(words in text for words in _OVERLAP):
        return "overlap"
    if "PoolTimeout" in names or ("TimeoutError" in names and "SQLAlchemyError" in names):
        return "pool-timeout"
    if names & {"TimeoutError", "ConnectionTimeout"}:
        return "timeout"
    return _of_a_driver(error, names, text)


def _of_a_driver(error: BaseException, names: set[str], text: str) -> str:
    for words, code in _OF_SERVERS:
        if words in text:
            return code
    if 'database "' in text and "does not exist" in text:
        return "3D000"
    lost = ("connection" in text or "server" in text) and any(words in text for words in _LOST)
    if names & {"ConnectionError", "gaierror"}:
        return "disconnected"
    if "OperationalError" in names and type(error).__module__.startswith(("psycopg.", "psycopg2")):
        return "timeout" if _TIMED_OUT[0] in text else "disconnected"
    if names & {"OperationalError", "InterfaceError"}:
        return "timeout" if any(words in text for words in _TIMED_OUT) else "disconnected" if lost else "other"
    return "disconnected" if "OSError" in names else "other"


def _sqlstate(error: BaseException | None) -> str:
    for name in ("sqlstate", "pgcode"):
        code = getattr(error, name, None)
        if isinstance(code, str) and len(code) == 5 and code.isascii() and code.isalnum():
            return code.upper()
    return ""


def _text(error: BaseException) -> str:
    """What an app's own class says of itself may fail."""
    try:
        return str(error)[:_LONGEST].lower()
    except Exception:
        return ""
