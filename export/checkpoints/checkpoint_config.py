"""The config of a checkpoint: its own or the user's, completed by what the weights say.

Example:
    config = checkpoint_config.resolve(checkpoint, "base")
"""

import dataclasses
from typing import Any

from configs import albert_config, errors
from export.checkpoints import lazy_checkpoint


def resolve(
    checkpoint: lazy_checkpoint.Checkpoint, given: str | None
) -> albert_config.AlbertConfig:
    """Returns the config of a checkpoint: its own or the one given, which must not differ.

    Args:
      checkpoint: an open checkpoint.
      given: a size or the path of a config; None for the checkpoint's own.

    Raises:
      errors.ConfigError: there is none, or there are two that differ, or it is not valid.
    """
    own = checkpoint.config
    if given is None and own is None:
        raise errors.ConfigError(
            f"checkpoint {checkpoint.location!r} comes without a config; say which with --config"
        )
    if given is None:
        assert own is not None
        return own
    config = albert_config.load(given, rules=checkpoint.rules, sizes=checkpoint.sizes)
    config = checkpoint.fitted(config)
    differences = [
        f"{field.name} is {getattr(config, field.name)} in --config, "
        f"{getattr(own, field.name)} in the checkpoint's"
        for field in dataclasses.fields(config)
        if own is not None and getattr(config, field.name) != getattr(own, field.name)
    ]
    if differences:
        title = (
            f"--config contradicts the config found in {checkpoint.config_file!r}; drop --config "
            "to use that one"
        )
        raise errors.ConfigError(errors.listing(title, differences))
    return config


def assumed(checkpoint: lazy_checkpoint.Checkpoint, given: str | None) -> dict[str, Any]:
    """Returns the defaults of `resolve`, for what neither config nor weights say, by field."""
    values = checkpoint.config_values
    if given is not None and given not in albert_config.SIZES:
        values = albert_config.read_file(given)
    elif given is not None or values is None:
        return {}
    return albert_config.assumed(values, rules=checkpoint.rules, sizes=checkpoint.sizes)
