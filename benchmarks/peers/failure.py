"""What goes wrong with one engine, which the report tells and the other engines survive."""


class EngineError(Exception):
    """An engine does not install, load or run; the message is one line."""
