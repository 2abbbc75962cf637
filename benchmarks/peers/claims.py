"""The project's claims about its speed, and checking them against the measurements."""

import dataclasses

from benchmarks.peers import engines, measurements, setups, spreads, work_items

# What a claim compares our engine with.
GARDEN = "Model Garden's, padded"
FLOAT32_PEERS = "the best peer in float32"
ALL_PEERS = "the best peer in any type"
SAME_TYPE_PEERS = "the best peer in its type"
SAME_RUNTIME_PEERS = "the best peer in its type and runtime"
GEMM_RATE = "the machine's rate of products"
LIMIT = "the limit"

# Whichever of our engines is the best of its type in a round.
OUR_BEST = {dtype: f"the best of ours in {dtype}" for dtype in engines.ALL_DTYPES}
_DTYPES = {name: dtype for dtype, name in OUR_BEST.items()}

_ITEMS = {item.name: item for item in work_items.WORK_ITEMS}
_ENGINES = {engine.name: engine for engine in engines.ENGINES}
_RUNTIMES = {worker.name: worker.environment for worker in setups.WORKERS}


@dataclasses.dataclass(frozen=True)
class Claim:
    """Claims a least median over the rounds of peer / ours, or of the share of a rate.

    Attributes:
      item: name of the work item.
      engine: name of our engine, or one of `OUR_BEST`.
      against: one of the constants above.
      at_least: the least median.
      metric: the metric to compare.
      limit: for `LIMIT`, the value to compare with.
      beyond_noise: whether it is refuted only if the 95 % interval of the median is below.
    """

    item: str
    engine: str
    against: str
    at_least: float
    metric: str = "seconds"
    limit: float = 0.0
    beyond_noise: bool = False

    @property
    def dtype(self) -> str:
        """The type that our engine computes in."""
        return _DTYPES.get(self.engine) or _ENGINES[self.engine].dtype


def _best(item: str, dtype: str, against: str = SAME_TYPE_PEERS) -> Claim:
    return Claim(item, OUR_BEST[dtype], against, 1, beyond_noise=True)


def _unpadded(runtime: str, dtype: str) -> Claim:
    engine = f"ours unpadded in {runtime} {dtype}"
    return Claim("inference_b32_realistic", engine, SAME_RUNTIME_PEERS, 1.7)


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
    *(
        _best(item, dtype)
        for item in ("inference_b1_s12", "inference_b1_s32", "inference_b8_s128", "text_1")
        for dtype in engines.ALL_DTYPES
    ),
    _unpadded("ONNX Runtime", engines.FLOAT32),
    _unpadded("ONNX Runtime", engines.INT8),
    Claim("inference_b1_s32", OUR_BEST[engines.INT8], FLOAT32_PEERS, 1.8),
    Claim("label_1", "ours text model float32", SAME_TYPE_PEERS, 1),
    Claim("label_256", "ours text model float32", SAME_TYPE_PEERS, 2.5),
    Claim("train_b8_realistic", "ours unpadded float32", GARDEN, 4),
    Claim("train_b8_realistic", "ours unpadded float32", GARDEN, 1, "peak_bytes"),
    Claim("train_b8_s128", "ours float32", GARDEN, 1),
    Claim("pretrain_b8_realistic", "ours unpadded float32", GARDEN, 4),
    Claim("pretrain_b8_s128", "ours unpadded float32", GARDEN, 1),
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the measurements say of a claim."""

    measured: spreads.Spread
    holds: bool


def check(claim: Claim, measured: measurements.Measurements) -> Finding | None:
    """Returns the spread of a claim's ratios or shares; None if nothing was measured."""
    if claim.against == GEMM_RATE:
        factors = list(measured.shares(_ITEMS[claim.item], _ENGINES[claim.engine]).values())
    else:
        factors = spreads.ratios(_others(claim, measured), _ours(claim, measured))
    if not factors:
        return None
    found = spreads.spread(factors)
    reached = spreads.interval(factors)[1] if claim.beyond_noise else found.median
    return Finding(found, reached >= claim.at_least)


def _ours(claim: Claim, measured: measurements.Measurements) -> measurements.Series:
    if claim.engine in _DTYPES:
        return measured.best_of_ours(claim.item, claim.dtype, claim.metric)
    return measured.series(claim.item, claim.engine, claim.metric)


def _others(claim: Claim, measured: measurements.Measurements) -> measurements.Series:
    if claim.against == LIMIT:
        return dict.fromkeys(_ours(claim, measured), claim.limit)
    return spreads.best(
        [
            measured.series(claim.item, peer.name, claim.metric)
            for peer in measured.engines_of(claim.item)
            if not peer.ours and _is_meant(peer, claim)
        ]
    )


def _is_meant(peer: engines.Engine, claim: Claim) -> bool:
    if claim.against == SAME_RUNTIME_PEERS:
        runtimes = {_RUNTIMES[worker] for worker in (peer.worker, _ENGINES[claim.engine].worker)}
        return peer.dtype == claim.dtype and len(runtimes) == 1
    return {
        GARDEN: peer.name == engines.GARDEN,
        FLOAT32_PEERS: peer.dtype == engines.FLOAT32,
        ALL_PEERS: True,
        SAME_TYPE_PEERS: peer.dtype == claim.dtype,
    }[claim.against]
