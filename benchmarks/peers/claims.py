"""What the project promises about its speed, and whether the measurements bear it out."""

import dataclasses
from collections.abc import Callable

from benchmarks.peers import engines, measurements, spreads, work_items

# What an engine of ours is held against.
GARDEN = "Model Garden's, padded"
FLOAT32_PEERS = "the best peer in float32"
ALL_PEERS = "the best peer in any type"
SAME_TYPE_PEERS = "the best peer in its type"
GEMM_RATE = "the machine's rate of products"
LIMIT = "the limit"

_ITEMS = {item.name: item for item in work_items.WORK_ITEMS}
_ENGINES = {engine.name: engine for engine in engines.ENGINES}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """The median over the rounds of peer / ours (or of the share of a rate) is at least so much.

    Attributes:
      item: name of the work item.
      engine: name of ours.
      against: what it is held against.
      at_least: the factor.
      metric: what is compared.
      limit: for `LIMIT`, the value that stands for the peer's.
    """

    item: str
    engine: str
    against: str
    at_least: float
    metric: str = "seconds"
    limit: float = 0.0


def _claim(item: str, engine: str, against: str, at_least: float, metric: str = "seconds") -> Claim:
    return Claim(item=item, engine=engine, against=against, at_least=at_least, metric=metric)


CLAIMS = (
    _claim("load", "ours float32", GARDEN, 5, "load_seconds"),
    _claim("load", "ours float32", GARDEN, 1, "first_call_seconds"),
    Claim(
        item="export",
        engine=engines.OURS,
        against=LIMIT,
        at_least=1,
        metric="saved_model_pb_bytes",
        limit=1e6,
    ),
    _claim("export", engines.OURS, GARDEN, 2),
    _claim("export", engines.OURS, GARDEN, 1, "peak_bytes"),
    _claim("inference_b8_s128", "ours float32", GEMM_RATE, 0.93),
    _claim("inference_b8_s128", "ours float32", FLOAT32_PEERS, 1),
    _claim("inference_b8_s128", "ours bfloat16", GEMM_RATE, 0.88),
    _claim("inference_b8_s128", "ours bfloat16", ALL_PEERS, 1),
    _claim("inference_b32_realistic", "ours unpadded float32", GARDEN, 5),
    _claim("inference_b32_realistic", "ours unpadded float32", FLOAT32_PEERS, 1.8),
    _claim("inference_b32_realistic", "ours unpadded bfloat16", ALL_PEERS, 1.6),
    _claim("inference_b1_s32", "ours float32", SAME_TYPE_PEERS, 1),
    _claim("inference_b1_s32", "ours bfloat16", SAME_TYPE_PEERS, 1),
    _claim("train_b8_realistic", "ours unpadded float32", GARDEN, 4),
    _claim("train_b8_realistic", "ours unpadded float32", GARDEN, 1, "peak_bytes"),
    _claim("train_b8_s128", "ours float32", GARDEN, 1),
)


def check(claim: Claim, measured: measurements.Measurements) -> spreads.Spread | None:
    """Returns the factors that were measured for a claim; None if nothing was."""
    engine, item = _ENGINES[claim.engine], _ITEMS[claim.item]
    if claim.against == GEMM_RATE:
        factors = list(measured.shares(item, engine).values())
    else:
        ours = measured.series(claim.item, claim.engine, claim.metric)
        peers = dict.fromkeys(ours, claim.limit)
        if claim.against != LIMIT:
            peers = spreads.best(
                [
                    measured.series(claim.item, peer.name, claim.metric)
                    for peer in measured.engines_of(claim.item)
                    if _is_peer(peer, engine, claim.against)
                ]
            )
        factors = spreads.ratios(peers, ours)
    return spreads.spread(factors) if factors else None


def _is_peer(peer: engines.Engine, engine: engines.Engine, against: str) -> bool:
    conditions: dict[str, Callable[[], bool]] = {
        GARDEN: lambda: peer.name == engines.GARDEN,
        FLOAT32_PEERS: lambda: peer.dtype == engines.FLOAT32,
        ALL_PEERS: lambda: True,
        SAME_TYPE_PEERS: lambda: peer.dtype == engine.dtype,
    }
    return not peer.ours and conditions[against]()
