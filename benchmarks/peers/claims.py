"""The project's claims about its speed, and checking them against the measurements."""

import dataclasses

from benchmarks.peers import engines, measurements, spreads, work_items

# What a claim compares our engine with.
GARDEN = "Model Garden's, padded"
FLOAT32_PEERS = "the best peer in float32"
ALL_PEERS = "the best peer in any type"
SAME_TYPE_PEERS = "the best peer in its type"
GEMM_RATE = "the machine's rate of products"
LIMIT = "the limit"

_ITEMS = {item.name: item for item in work_items.WORK_ITEMS}
_ENGINES = {engine.name: engine for engine in engines.ENGINES}


@dataclasses.dataclass(frozen=True)
class Claim:
    """Claims a least median over the rounds of peer / ours, or of the share of a rate.

    Attributes:
      item: name of the work item.
      engine: name of our engine.
      against: one of the constants above.
      at_least: the least median.
      metric: the metric to compare.
      limit: for `LIMIT`, the value to compare with.
    """

    item: str
    engine: str
    against: str
    at_least: float
    metric: str = "seconds"
    limit: float = 0.0


CLAIMS = (
    Claim("load", "ours float32", GARDEN, 5, "load_seconds"),
    Claim("load", "ours float32", GARDEN, 1, "first_call_seconds"),
    Claim("export", engines.OURS, LIMIT, 1, "saved_model_pb_bytes", limit=1e6),
    Claim("export", engines.OURS, GARDEN, 2),
    Claim("export", engines.OURS, GARDEN, 1, "peak_bytes"),
    Claim("inference_b8_s128", "ours float32", GEMM_RATE, 0.93),
    Claim("inference_b8_s128", "ours float32", FLOAT32_PEERS, 1),
    Claim("inference_b8_s128", "ours bfloat16", GEMM_RATE, 0.88),
    Claim("inference_b8_s128", "ours bfloat16", ALL_PEERS, 1),
    Claim("inference_b32_realistic", "ours unpadded float32", GARDEN, 5),
    Claim("inference_b32_realistic", "ours unpadded float32", FLOAT32_PEERS, 1.8),
    Claim("inference_b32_realistic", "ours unpadded bfloat16", ALL_PEERS, 1.6),
    Claim("inference_b1_s32", "ours float32", SAME_TYPE_PEERS, 1),
    Claim("inference_b1_s32", "ours bfloat16", SAME_TYPE_PEERS, 1),
    Claim("label_1", "ours text model float32", SAME_TYPE_PEERS, 1),
    Claim("label_256", "ours text model float32", SAME_TYPE_PEERS, 2.5),
    Claim("train_b8_realistic", "ours unpadded float32", GARDEN, 4),
    Claim("train_b8_realistic", "ours unpadded float32", GARDEN, 1, "peak_bytes"),
    Claim("train_b8_s128", "ours float32", GARDEN, 1),
)


def check(claim: Claim, measured: measurements.Measurements) -> spreads.Spread | None:
    """Returns the spread of a claim's ratios or shares; None if nothing was measured."""
    engine, item = _ENGINES[claim.engine], _ITEMS[claim.item]
    if claim.against == GEMM_RATE:
        factors = list(measured.shares(item, engine).values())
    else:
        ours = measured.series(claim.item, claim.engine, claim.metric)
        candidates = [
            measured.series(claim.item, peer.name, claim.metric)
            for peer in measured.engines_of(claim.item)
            if _is_peer(peer, engine, claim.against)
        ]
        if claim.against == LIMIT:
            candidates = [dict.fromkeys(ours, claim.limit)]
        factors = spreads.ratios(spreads.best(candidates), ours)
    return spreads.spread(factors) if factors else None


def _is_peer(peer: engines.Engine, engine: engines.Engine, against: str) -> bool:
    meets = {
        GARDEN: peer.name == engines.GARDEN,
        FLOAT32_PEERS: peer.dtype == engines.FLOAT32,
        ALL_PEERS: True,
        SAME_TYPE_PEERS: peer.dtype == engine.dtype,
        LIMIT: False,
    }
    return not peer.ours and meets[against]
