"""A payload that is bare samples, in the layout that the site file declares for the topic."""

import numpy as np

from edge_agent.core.dialects import sample_block
from edge_agent.core.dialects.sample_block import Heading
from edge_agent.core.dialects.source import Source
from edge_agent.core.records import Decoded, RejectReason
from edge_agent.core.site import BinaryTopic, SampleFormat

_DTYPES: dict[SampleFormat, np.dtype[np.float32] | np.dtype[np.int16]] = {
    SampleFormat.FLOAT32: np.dtype("<f4"),
    SampleFormat.INT16: np.dtype("<i2"),
}


def decode(payload: bytes, declared: BinaryTopic, source: Source) -> list[Decoded]:
    """Return the block in ``payload``; its last sample was taken on receipt."""
    dtype = _DTYPES[declared.sample_format]
    count, rest = divmod(len(payload), dtype.itemsize)
    if rest:
        detail = f"{len(payload)} bytes are no whole number of {declared.sample_format} samples"
        return [source.reject(RejectReason.MALFORMED, detail)]
    if count > source.caps.window_samples:
        return [source.reject(RejectReason.TOO_LARGE, f"a block of {count} samples")]
    raw = np.frombuffer(payload, dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        values = raw.astype(np.float32, copy=False) * np.float32(declared.scale)
    heading = Heading(source.own_channel, declared.rate_hz, first=None)
    return sample_block.decode_array(values, heading, source)
