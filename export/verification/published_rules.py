"""What the code of each source computes where the sources differ, for the numpy reference.

Example:
    groups = published_rules.groups("huggingface", layers=22, groups=22)
    act = published_rules.hidden_act("huggingface", {"hidden_act": "gelu"})

Written from the sources' own code, and on purpose not from `configs/source_rules.py`: a fault there
must not be repeated here.
"""

from collections.abc import Mapping
from typing import Any

from configs import albert_config

_TANH, _ERF = albert_config.GELU_TANH, albert_config.GELU_ERF


def groups(checkpoint_format: str, *, layers: int, groups: int) -> list[int]:
    """Returns the group whose weights each hidden layer uses.

    google-research/albert, modeling.py: `group_idx = int(layer_idx / num_hidden_layers *
    num_hidden_groups)`; transformers, modeling_albert.py: `group_idx = int(i /
    (self.config.num_hidden_layers / self.config.num_hidden_groups))`; KerasHub,
    albert_backbone.py: every group in turn, `num_layers // num_groups` times.
    """
    numbers = range(layers)
    if checkpoint_format == "huggingface":
        return [int(i / (layers / groups)) for i in numbers]
    if checkpoint_format == "keras_hub":
        return [group for group in range(groups) for _ in range(layers // groups)]
    return [int(i / layers * groups) for i in numbers]


def hidden_act(checkpoint_format: str, config: Mapping[str, Any]) -> str | None:
    """Returns the activation that a source computes; None where its config does not tell.

    google-research/albert and Model Garden call the tanh form `gelu`. In transformers'
    activations.py `gelu` is the erf form and `gelu_new`, `gelu_fast` and `gelu_pytorch_tanh` are
    tanh forms. KerasHub always computes `gelu_approximate`.

    Args:
      checkpoint_format: the format of the weights.
      config: the content of the config that comes with them.
    """
    if "registered_name" in config:
        return _TANH
    if "task" in config:
        name = config["task"]["model"]["encoder"]["albert"].get("hidden_activation")
    else:
        name = config.get("hidden_act")
    if name == "gelu":
        return _ERF if checkpoint_format == "huggingface" else _TANH
    tanh_forms = ("gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh")
    return _TANH if name in tanh_forms else _ERF if name == "gelu_python" else name


def mlm_layer_norm_eps(checkpoint_format: str) -> float | None:
    """Returns the epsilon of a source's masked language model head; None for that of the layers.

    KerasHub, masked_lm_head.py: `layer_norm_epsilon=1e-05`.
    """
    return 1e-5 if checkpoint_format == "keras_hub" else None
