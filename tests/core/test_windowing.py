import json
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.records import NS_PER_S, Block, Reading, RejectReason, TimeQuality
from edge_agent.core.samples import Held
from edge_agent.core.site import Caps, WindowSpec
from edge_agent.core.waveformbuffer import WaveformBuffer
from edge_agent.core.windowing import Windower

MS = NS_PER_S // 1000
BASE_NS = 1_700_000_000 * NS_PER_S  # a multiple of every hop below
SPEC = WindowSpec(length_ns=2 * NS_PER_S, hop_ns=NS_PER_S, lateness_ns=NS_PER_S)
unhurried = settings(deadline=None)  # a busy machine is no failure

FOREVER_NS = BASE_NS + 3600 * NS_PER_S


def reading(seconds, value=1.0, channel="temp", quality=TimeQuality.SOURCE):
    return Reading("pump", channel, BASE_NS + round(seconds * NS_PER_S), value, quality)


def block(seconds, values, rate_hz=1000.0, channel="vib", quality=TimeQuality.SOURCE):
    start_ns = BASE_NS + round(seconds * NS_PER_S)
    return Block("pump", channel, start_ns, rate_hz, np.asarray(values, np.float32), quality)


def windower(spec=SPEC, **caps):
    return Windower("pump", spec, Caps(**caps))


def plain(frames):
    """Frames as plain values, which compare."""
    return [
        (
            frame.asset,
            frame.start_ns,
            frame.end_ns,
            frame.time_quality,
            [
                (
                    name,
                    w.channel,
                    w.rate_hz,
                    w.start_ns,
                    w.end_ns,
                    w.at_ns.tolist(),
                    w.values.tolist(),
                )
                for name, w in frame.windows.items()
            ],
        )
        for frame in frames
    ]


def frames_of(records, spec=SPEC, until_ns=FOREVER_NS):
    """The frames of records none of which is left out."""
    subject = windower(spec)
    for record in records:
        assert subject.push(record) == {}
    return subject.close(until_ns)


def samples_of(records, channel="vib", spec=None):
    """Everything held of one channel, as one window sees it: times since BASE_NS, and values."""
    spec = spec or WindowSpec(3600 * NS_PER_S, 3600 * NS_PER_S, NS_PER_S)
    subject = windower(spec)
    for record in records:
        subject.push(record)
    at_ns, values = [], []
    for frame in subject.close(BASE_NS + 7300 * NS_PER_S):
        at_ns += (frame.windows[channel].at_ns - BASE_NS).tolist()
        values += frame.windows[channel].values.tolist()
    return at_ns, values


def by_definition(samples, spec, until_ns):
    """The windows of ``{channel: [(at_ns, value)]}``, straight from the definition."""
    times = [at_ns for channel in samples.values() for at_ns, _ in channel]
    first_end = min(times) // spec.hop_ns * spec.hop_ns
    found = []
    for end_ns in range(first_end, until_ns - spec.lateness_ns + 1, spec.hop_ns):
        start_ns = end_ns - spec.length_ns
        inside = {
            name: [(t, v) for t, v in channel if start_ns <= t < end_ns]
            for name, channel in sorted(samples.items())
        }
        inside = {name: channel for name, channel in inside.items() if channel}
        if inside:
            found.append((start_ns, end_ns, inside))
    return found


def as_defined(frames):
    return [
        (
            frame.start_ns,
            frame.end_ns,
            {
                name: list(zip(w.at_ns.tolist(), w.values.tolist(), strict=True))
                for name, w in frame.windows.items()
            },
        )
        for frame in frames
    ]


# --- strategies: records of a plant, and ways in which they may arrive ----------------------------

specs = st.builds(
    lambda hop, extra, late: WindowSpec((hop + extra) * MS, hop * MS, late * MS),
    hop=st.integers(100, 1500),
    extra=st.integers(0, 2000),
    late=st.integers(1000, 2000),
)


@st.composite
def waveforms(draw, channel):
    """One even stream, the blocks that it was cut into (at most 0.3 s each), and its samples."""
    rate_hz = draw(st.sampled_from([20.0, 100.0, 333.0, 512.0, 1000.0 / 3.0, 97.31]))
    start_ns = BASE_NS + draw(st.integers(0, 2 * NS_PER_S))
    count = draw(st.integers(1, int(4 * rate_hz)))
    values = np.arange(count, dtype=np.float32)
    longest = max(1, int(0.3 * rate_hz))
    quarter_ns = int(0.2 * NS_PER_S / rate_hz)
    blocks, first = [], 0
    while first < count:
        size = draw(st.integers(1, longest))
        jitter_ns = draw(st.integers(-quarter_ns, quarter_ns)) if first else 0
        at_ns = start_ns + round(first * NS_PER_S / rate_hz) + jitter_ns
        piece = values[first : first + size]
        blocks.append(Block("pump", channel, at_ns, rate_hz, piece, TimeQuality.SOURCE))
        first += size
    samples = [(start_ns + round(i * NS_PER_S / rate_hz), float(i)) for i in range(count)]
    return blocks, samples


@st.composite
def process_values(draw, channel):
    """Irregular readings of one channel, and its samples."""
    at_ms = draw(st.lists(st.integers(0, 7000), min_size=1, max_size=60, unique=True))
    samples = [(BASE_NS + t * MS, float(n)) for n, t in enumerate(sorted(at_ms))]
    return [Reading("pump", channel, t, v, TimeQuality.SOURCE) for t, v in samples], samples


def end_of(record):
    if isinstance(record, Reading):
        return record.at_ns
    return record.start_ns + round(record.values.size * NS_PER_S / record.rate_hz)


@st.composite
def arrivals(draw):
    """Records of two to four channels in an order that 1 s of lateness allows."""
    parts = {
        "temp": draw(process_values("temp")),
        "vib": draw(waveforms("vib")),
        "amps": draw(st.none() | process_values("amps")),
        "axial": draw(st.none() | waveforms("axial")),
    }
    parts = {name: part for name, part in parts.items() if part is not None}
    records = [record for part, _ in parts.values() for record in part]
    seed = draw(st.integers(0, 2**32 - 1))
    delay_ns = np.random.default_rng(seed).integers(0, 500 * MS, len(records)).tolist()
    order = sorted(range(len(records)), key=lambda n: end_of(records[n]) + delay_ns[n])
    return [records[n] for n in order], {name: samples for name, (_, samples) in parts.items()}


# --- properties -----------------------------------------------------------------------------------


@unhurried
@given(arrivals(), specs)
def test_windows_are_as_defined_however_the_stream_was_cut_and_mixed_on_its_way(arrived, spec):
    records, samples = arrived
    until_ns = BASE_NS + 60 * NS_PER_S
    frames = frames_of(records, spec, until_ns)
    assert as_defined(frames) == by_definition(samples, spec, until_ns)


@unhurried
@given(arrivals(), specs, st.data())
def test_frames_do_not_depend_on_how_often_the_caller_looks(arrived, spec, data):
    records, _ = arrived
    subject, frames = windower(spec), []
    for record in records:
        subject.push(record)
        if data.draw(st.booleans()):
            frames += subject.close(record_time(record))
    frames += subject.close(FOREVER_NS)
    assert plain(frames) == plain(frames_of(records, spec))


def record_time(record):
    return record.at_ns if isinstance(record, Reading) else record.start_ns


@unhurried
@given(arrivals(), specs, st.data())
def test_a_restart_from_a_snapshot_changes_nothing(arrived, spec, data):
    records, _ = arrived
    stop = data.draw(st.integers(0, len(records)))
    subject = windower(spec)
    for record in records[:stop]:
        subject.push(record)
    stored = json.dumps(subject.snapshot())
    restarted = windower(spec)
    assert restarted.restore(json.loads(stored))
    for record in records[stop:]:
        assert restarted.push(record) == {}
    assert plain(restarted.close(FOREVER_NS)) == plain(frames_of(records, spec))


@unhurried
@given(arrivals(), st.data())
def test_records_delivered_twice_are_counted_and_change_nothing(arrived, data):
    records, _ = arrived
    subject = windower()
    for record in records:
        assert subject.push(record) == {}
        if data.draw(st.booleans()):
            assert subject.push(record) == {RejectReason.DUPLICATE: 1}
    assert plain(subject.close(FOREVER_NS)) == plain(frames_of(records))


@unhurried
@given(
    st.lists(
        st.tuples(st.integers(0, 9000), st.integers(1, 300), st.sampled_from("abcdef")),
        max_size=200,
    ),
)
def test_what_is_held_stays_within_the_caps(feed):
    subject = windower(channels=3, window_samples=500)
    for at_ms, size, channel in feed:
        subject.push(block(at_ms / 1000, np.ones(size), channel=channel))
        held = subject.snapshot()["channels"].values()
        assert len(held) <= 3
        assert all(len(state["values"]) <= 500 * 4 * 4 / 3 + 4 for state in held)


# --- windows --------------------------------------------------------------------------------------


def test_a_window_ends_at_every_multiple_of_the_hop_and_excludes_its_end():
    frames = frames_of([reading(0.0), reading(1.0), reading(2.0)])
    seen = [
        ((f.end_ns - BASE_NS) // NS_PER_S, (f.windows["temp"].at_ns - BASE_NS).tolist())
        for f in frames
    ]
    s = NS_PER_S
    assert seen == [(1, [0]), (2, [0, s]), (3, [s, 2 * s]), (4, [2 * s])]


def test_a_window_closes_when_the_lateness_has_passed_and_not_a_nanosecond_earlier():
    subject = windower()
    subject.push(reading(0.5))
    assert subject.close(BASE_NS + 2 * NS_PER_S - 1) == []
    (frame,) = subject.close(BASE_NS + 2 * NS_PER_S)
    assert (frame.start_ns, frame.end_ns) == (BASE_NS - NS_PER_S, BASE_NS + NS_PER_S)


def test_a_newer_sample_closes_windows_without_the_clock():
    subject = windower()
    subject.push(reading(0.5))
    subject.push(reading(2.0))
    assert len(subject.close(BASE_NS)) == 1


def test_a_frame_is_handed_out_once():
    subject = windower()
    subject.push(reading(0.5))
    assert len(subject.close(FOREVER_NS)) == 2
    assert subject.close(FOREVER_NS) == []


def test_a_gap_of_years_costs_no_windows():
    year_s = 365 * 86400
    spec = replace(SPEC, length_ns=2 * MS, hop_ns=MS)
    years = [reading(0), reading(50 * year_s)]
    frames = frames_of(years, spec, BASE_NS + 100 * year_s * NS_PER_S)
    assert len(frames) == 4


def test_a_frame_lists_its_channels_by_name_and_leaves_out_the_silent_ones():
    first, *_, last = frames_of(
        [reading(0.1, channel="b"), reading(0.2, channel="a"), reading(4.0, channel="b")]
    )
    assert list(first.windows) == ["a", "b"]
    assert list(last.windows) == ["b"]


@pytest.mark.parametrize(
    ("qualities", "worst"),
    [
        (["source", "source"], "source"),
        (["naive", "source"], "naive"),
        (["received", "naive"], "received"),
        (["received", "clamped"], "clamped"),
        (["jumped", "clamped"], "jumped"),
    ],
)
@pytest.mark.parametrize("record", [reading, lambda s, quality: block(s, [1.0], quality=quality)])
def test_a_frame_is_as_trustworthy_as_the_worst_record_in_it(qualities, worst, record):
    records = [record(n / 10, quality=TimeQuality(q)) for n, q in enumerate(qualities)]
    assert {frame.time_quality for frame in frames_of(records)} == {TimeQuality(worst)}


def test_a_bad_clock_does_not_taint_windows_that_it_is_not_in():
    frames = frames_of([reading(0.5, quality=TimeQuality.JUMPED), reading(2.5)])
    assert [frame.time_quality for frame in frames] == ["jumped", "jumped", "source", "source"]


# --- what is left out -----------------------------------------------------------------------------


def test_a_sample_that_still_belongs_to_an_open_window_is_taken_and_misses_the_closed_ones():
    subject = windower()
    subject.push(reading(0.9, value=1.0))
    subject.push(reading(2.0, value=2.0))  # closes the window that ends at 1 s
    assert subject.push(reading(0.5, value=3.0)) == {}
    values = [frame.windows["temp"].values.tolist() for frame in subject.close(FOREVER_NS)]
    assert values == [[1.0], [3.0, 1.0], [2.0], [2.0]]


def test_a_sample_whose_windows_are_all_closed_is_late():
    subject = windower()
    subject.push(reading(2.0))
    assert subject.push(reading(-0.001)) == {RejectReason.LATE: 1}
    assert subject.push(reading(0.0)) == {}


def test_the_late_part_of_a_block_is_left_out_and_the_rest_is_taken():
    subject = windower()
    subject.push(reading(2.0))
    assert subject.push(block(-0.01, np.arange(30))) == {RejectReason.LATE: 1}
    (frame, *_) = subject.close(FOREVER_NS)
    assert frame.windows["vib"].values.tolist() == list(range(10, 30))
    assert frame.windows["vib"].at_ns[0] == BASE_NS


def test_a_block_wholly_behind_the_open_windows_is_late():
    subject = windower()
    subject.push(reading(2.0))
    assert subject.push(block(-0.03, np.arange(30))) == {RejectReason.LATE: 1}


def test_a_second_reading_of_the_same_time_is_a_duplicate_and_the_first_one_stays():
    subject = windower()
    subject.push(reading(0.5, value=1.0))
    subject.push(reading(0.6, value=2.0))
    assert subject.push(reading(0.5, value=9.0)) == {RejectReason.DUPLICATE: 1}
    assert subject.close(FOREVER_NS)[0].windows["temp"].values.tolist() == [1.0, 2.0]


def test_samples_that_overlap_held_ones_on_both_sides_are_left_out_once():
    held = [block(0.1, np.full(100, 1.0)), block(0.3, np.full(100, 2.0))]
    subject = windower()
    for record in held:
        subject.push(record)
    assert subject.push(block(0.0, np.full(500, 3.0))) == {RejectReason.DUPLICATE: 1}
    window = subject.close(FOREVER_NS)[0].windows["vib"]
    assert np.diff(window.at_ns).tolist() == [MS] * 499
    assert window.values.tolist() == [3.0] * 100 + [1.0] * 100 + [3.0] * 100 + [2.0] * 100 + (
        [3.0] * 100
    )


def test_one_channel_more_than_the_cap_is_refused_until_another_falls_silent():
    subject = windower(channels=1)
    subject.push(reading(0.5, channel="a"))
    assert subject.push(reading(0.6, channel="b")) == {RejectReason.CHANNEL_LIMIT: 1}
    assert subject.push(block(0.6, [1.0], channel="c")) == {RejectReason.CHANNEL_LIMIT: 1}
    subject.close(BASE_NS + 10 * NS_PER_S)
    assert subject.push(reading(11.0, channel="b")) == {}


def test_the_oldest_readings_go_when_a_channel_overflows():
    subject = windower(window_samples=8)
    told = [subject.push(reading(n / 100, value=n)) for n in range(10)]
    assert told[8] == {RejectReason.TOO_LARGE: 1}
    assert [bool(rejects) for rejects in told].count(True) == 2
    assert subject.close(FOREVER_NS)[0].windows["temp"].values.tolist() == list(range(2, 10))


def test_the_oldest_blocks_go_when_a_channel_overflows():
    subject = windower(window_samples=400)
    told = [subject.push(block(n / 10, np.full(100, n))) for n in range(4)]
    assert told == [{}, {}, {RejectReason.TOO_LARGE: 1}, {RejectReason.TOO_LARGE: 1}]
    assert set(subject.close(FOREVER_NS)[0].windows["vib"].values.tolist()) == {2.0, 3.0}


def test_the_end_of_a_block_beyond_the_cap_is_kept():
    subject = windower(window_samples=164)
    assert subject.push(block(0.0, np.arange(300))) == {RejectReason.TOO_LARGE: 1}
    window = subject.close(FOREVER_NS)[0].windows["vib"]
    assert window.values.tolist() == list(range(200, 300))
    assert window.at_ns[0] == BASE_NS + 200 * MS


@pytest.mark.parametrize("value", [1e39, -1e39])
def test_a_value_beyond_float32_is_no_number_to_us(value):
    assert windower().push(reading(0.0, value=value)) == {RejectReason.NOT_A_NUMBER: 1}


@pytest.mark.parametrize(
    "other", [block(0.6, [5.0], channel="temp"), block(0.6, [5.0], 50.0, "temp")]
)
def test_a_channel_that_changes_its_kind_or_rate_starts_anew(other):
    subject = windower()
    before = block(0.5, [1.0], 100.0, "temp") if other.rate_hz == 50.0 else reading(0.5)
    subject.push(before)
    assert subject.push(other) == {}
    window = subject.close(FOREVER_NS)[0].windows["temp"]
    assert (window.values.tolist(), window.rate_hz) == ([5.0], other.rate_hz)


def test_a_snapshot_of_other_windows_is_not_taken_up():
    subject = windower()
    subject.push(reading(0.5))
    other = windower(replace(SPEC, length_ns=SPEC.hop_ns))
    assert not other.restore(subject.snapshot())
    assert other.close(FOREVER_NS) == []


def test_a_snapshot_holds_what_is_held_as_little_endian_bytes():
    subject = windower()
    subject.push(reading(0.5, value=1.0))
    assert subject.snapshot()["channels"]["temp"]["values"] == "AACAPw=="  # 00 00 80 3f


# --- the grid of a waveform -----------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [25_600.0, 44_100.0, 1000.0 / 3.0, 97.31])
def test_sample_times_do_not_drift_from_the_exact_grid(rate_hz):
    at_ns, _ = samples_of([block(n * 1000 / rate_hz, np.zeros(1000), rate_hz) for n in range(50)])
    assert at_ns == [round(i * NS_PER_S / rate_hz) for i in range(50_000)]


def test_blocks_whose_clock_jitters_by_milliseconds_stay_one_even_run():
    jitter_ms = [0, 3, -4, 7, -8, 1, 12, -15]
    records = [
        block(n + late / 1000, np.arange(1000) + 1000 * n) for n, late in enumerate(jitter_ms)
    ]
    at_ns, values = samples_of(records)
    assert values == list(range(8000))
    assert set(np.diff(at_ns)) == {MS}


@pytest.mark.parametrize("late_ms", [-3, 3])
def test_a_run_goes_on_where_a_window_ends(late_ms):
    tumbling = WindowSpec(NS_PER_S, NS_PER_S, lateness_ns=0)
    records = [block(0.0, np.arange(1000)), block(1 + late_ms / 1000, np.arange(1000, 2000))]
    at_ns, values = samples_of(records, spec=tumbling)
    assert at_ns == [i * MS for i in range(2000)]
    assert values == list(range(2000))


@pytest.mark.parametrize("late_ms", [-3, 3])
def test_a_run_goes_on_across_a_restart(late_ms):
    subject = windower(WindowSpec(NS_PER_S, NS_PER_S, lateness_ns=0))
    subject.push(block(0.0, np.arange(1000)))
    subject.push(block(1 + late_ms / 1000, np.arange(1000, 1990)))
    restarted = windower(WindowSpec(NS_PER_S, NS_PER_S, lateness_ns=0))
    assert restarted.restore(subject.snapshot())
    assert restarted.push(block(1.99, np.arange(1990, 2500))) == {}
    frames = restarted.close(FOREVER_NS)
    assert [w.values.size for f in frames for w in f.windows.values()] == [1000, 1000, 500]


def test_a_sample_whose_place_lies_before_the_end_of_a_window_is_not_lost_by_its_jitter():
    tumbling = replace(SPEC, length_ns=SPEC.hop_ns)
    records = [block(0.8996, np.arange(100)), block(1.0002, np.arange(100, 200))]
    _, values = samples_of(records, spec=tumbling)
    assert values == list(range(200))


def test_a_jittering_block_that_is_delivered_twice_is_still_a_duplicate():
    subject = windower()
    for seconds in (0.0, 0.103, 0.196):
        assert subject.push(block(seconds, np.zeros(100))) == {}
    for seconds in (0.196, 0.103, 0.0):
        assert subject.push(block(seconds, np.zeros(100))) == {RejectReason.DUPLICATE: 1}


def test_blocks_with_the_time_of_receipt_may_overlap_by_up_to_half():
    quality = TimeQuality.RECEIVED
    records = [
        block(n + late, np.arange(1000) + 1000 * n, quality=quality)
        for n, late in enumerate([0.0, 0.2, -0.25, 0.1])
    ]
    at_ns, values = samples_of(records)
    assert values == list(range(4000))
    assert set(np.diff(at_ns)) == {MS}


def test_a_pause_between_snapshots_stays_a_gap():
    at_ns, _ = samples_of([block(0.0, np.zeros(100)), block(0.125, np.zeros(100))])
    assert max(np.diff(at_ns)) == 26 * MS


@pytest.mark.parametrize("drift_ms", [1, -1])
def test_a_drifting_clock_is_followed_and_time_never_runs_back(drift_ms):
    count = 100
    records = [block(n * (1 + drift_ms / 1000), np.zeros(1000)) for n in range(count)]
    at_ns, _ = samples_of(records)
    assert np.diff(at_ns).min() > 0
    assert abs(at_ns[-1] - count * (1000 + drift_ms) * MS) <= 25 * MS
    assert len(at_ns) >= 0.997 * 1000 * count


def test_a_rate_that_is_measured_anew_for_each_block_is_the_same_channel():
    rates = [1000.0, 1000.4, 999.7]
    records = [block(n, np.zeros(1000), rate) for n, rate in enumerate(rates)]
    at_ns, _ = samples_of(records)
    assert at_ns == [i * MS for i in range(3000)]


def test_a_block_is_copied_so_that_its_payload_can_go():
    values = np.ones(4, dtype=np.float32)
    subject = windower()
    subject.push(Block("pump", "vib", BASE_NS, 1000.0, values, TimeQuality.SOURCE))
    values[:] = 7.0
    assert subject.close(FOREVER_NS)[0].windows["vib"].values.tolist() == [1.0] * 4


# --- what one record, one asset and one node may cost ---------------------------------------------


def test_a_block_that_spans_too_many_windows_is_refused_as_a_whole():
    longest_s = 2 + 10  # length, and ten hops
    subject = windower(windows_per_record=10)
    assert subject.push(block(0.0, np.ones(longest_s * 10 + 1), 10.0)) == {
        RejectReason.TOO_LARGE: 1
    }
    assert subject.close() == []
    assert subject.push(block(0.0, np.ones(longest_s * 10), 10.0)) == {}
    assert len(subject.close(FOREVER_NS)) == 13


def test_the_oldest_frames_go_when_too_many_wait_to_be_collected():
    subject = windower(windows_waiting=3)
    told = [subject.push(reading(n)) for n in range(8)]
    assert told == [{}] * 5 + [{RejectReason.TOO_LARGE: 1}] * 3
    ends = [(frame.end_ns - BASE_NS) // NS_PER_S for frame in subject.close()]
    assert ends == [4, 5, 6]


def test_a_backfill_that_is_collected_after_every_message_loses_nothing():
    spec, whole_s = WindowSpec(), 6 * 3600
    subject = Windower("pump", spec, Caps())
    frames = []
    for at_s in range(whole_s):
        assert subject.push(reading(at_s)) == {}
        frames += subject.close()
    frames += subject.close(BASE_NS + 2 * whole_s * NS_PER_S)
    assert len(frames) == whole_s // 5 + 1


def test_a_long_block_costs_no_more_than_the_same_samples_in_short_ones():
    def cost_ns(size):
        subject = windower()
        began = time.process_time_ns()
        for first in range(0, 100_000, size):
            subject.push(block(first / 100, np.ones(size), 100.0))
        assert len(subject.close(FOREVER_NS)) == 1001
        return time.process_time_ns() - began

    assert cost_ns(100_000) < 3 * cost_ns(100)  # 14 times as much when each window walked it all


def test_the_asset_that_exceeds_the_budget_of_the_node_loses_its_own_oldest_samples():
    held = Held(most=1000)
    caps = Caps()
    quiet, loud = (Windower(name, SPEC, caps, held) for name in ("quiet", "loud"))
    assert quiet.push(block(0.0, np.ones(400))) == {}
    assert loud.push(block(0.0, np.zeros(300))) == {}
    assert loud.push(block(0.3, np.arange(300))) == {RejectReason.TOO_LARGE: 1}
    assert held.load <= held.most
    assert quiet.close(FOREVER_NS)[0].windows["vib"].values.size == 400
    assert loud.close(FOREVER_NS)[0].windows["vib"].values[-1] == 299


def test_readings_count_against_the_budget_of_the_node_too():
    held = Held(most=100)
    subject = Windower("pump", SPEC, Caps(), held)
    told = [subject.push(reading(n / 100, value=n)) for n in range(50)]
    assert told[:25] == [{}] * 25
    assert told[25] == {RejectReason.TOO_LARGE: 1}
    assert held.load <= held.most
    assert subject.close(FOREVER_NS)[0].windows["temp"].values[-1] == 49


def test_the_newest_sample_of_a_channel_is_kept_however_full_the_node_is():
    held = Held(most=10, load=10)
    subject = Windower("pump", SPEC, Caps(), held)
    subject.push(block(0.0, np.arange(300)))
    subject.push(reading(0.1, value=7.0))
    windows = subject.close(FOREVER_NS)[0].windows
    assert (windows["vib"].values.tolist(), windows["temp"].values.tolist()) == ([299.0], [7.0])


def test_records_are_refused_once_twice_as_many_frames_came_as_may_wait():
    subject = windower(windows_waiting=3)
    for n in range(8):
        subject.push(reading(n))
    assert subject.push(reading(1000.0)) == {RejectReason.TOO_LARGE: 1}
    assert len(subject.close()) == 3
    assert subject.push(reading(8.0)) == {}
    assert subject.close()[0].windows["temp"].at_ns.tolist() == [
        BASE_NS + 5 * NS_PER_S,
        BASE_NS + 6 * NS_PER_S,
    ]


@pytest.mark.parametrize("end", ["close", "forget", "restore", "change"])
def test_what_is_no_longer_held_frees_the_budget_of_the_node(end):
    held = Held(most=10_000)
    subject = Windower("pump", SPEC, Caps(), held)
    empty = subject.snapshot()
    subject.push(block(0.0, np.ones(500)))
    assert held.load >= 500
    match end:
        case "close":
            subject.close(FOREVER_NS)
        case "forget":
            subject.forget()
        case "restore":
            assert subject.restore(empty)
        case "change":
            subject.push(reading(0.6, channel="vib"))
    assert held.load == (4 if end == "change" else 0)


def test_a_restored_windower_counts_against_the_budget_of_the_node():
    before, after = Held(most=10_000), Held(most=10_000)
    subject = Windower("pump", SPEC, Caps(), before)
    subject.push(block(0.0, np.ones(500)))
    subject.push(reading(0.1))
    Windower("pump", SPEC, Caps(), after).restore(subject.snapshot())
    assert before.load == after.load >= 500


def test_a_windower_that_forgot_takes_an_earlier_time_again():
    subject = windower()
    subject.push(reading(100.0))
    subject.forget()
    assert subject.push(reading(0.0)) == {}
    assert len(subject.close(FOREVER_NS)) == 2


def test_a_snapshot_leaves_out_the_largest_blocks_beyond_its_limit():
    subject = windower()
    sizes = {"a": 400_000, "b": 500_000, "c": 450_000, "d": 480_000, "e": 420_000}
    for channel, size in sizes.items():
        subject.push(block(0.0, np.ones(size, np.float32), 400_000.0, channel))
    subject.push(reading(0.1))
    assert list(subject.snapshot()["channels"]) == ["a", "c", "d", "e", "temp"]
    assert list(subject.snapshot(waveforms=False)["channels"]) == ["temp"]


def test_a_block_of_which_little_is_left_gives_its_memory_back():
    subject = WaveformBuffer(1000.0, 1 << 19)
    values = np.ones(100_000, np.float32)
    tracemalloc.start()
    subject.push(BASE_NS, values, 0)
    whole_bytes, _ = tracemalloc.get_traced_memory()
    subject.drop_before(BASE_NS + 99_990 * MS)
    left_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    cut = subject.cut(BASE_NS, FOREVER_NS)
    assert cut is not None
    assert cut.values.size == 10
    assert left_bytes < whole_bytes // 10


@unhurried
@given(
    st.floats(1e-3, 1e7),
    st.integers(1, 3000),
    st.lists(st.tuples(st.floats(-0.2, 1.2), st.floats(-0.2, 1.2)), min_size=1, max_size=5),
)
def test_a_cut_is_what_a_walk_over_all_samples_would_find(rate_hz, size, places):
    at_ns = BASE_NS + np.rint(np.arange(size) * NS_PER_S / rate_hz).astype(np.int64)
    values = np.arange(size, dtype=np.float32)
    subject = WaveformBuffer(rate_hz, 1 << 19)
    subject.push(BASE_NS, values, 0)
    for one, other in places:
        edges = sorted(BASE_NS + round(place * size * NS_PER_S / rate_hz) for place in (one, other))
        inside = (edges[0] <= at_ns) & (at_ns < edges[1])
        cut = subject.cut(*edges)
        assert (cut.values.tolist() if cut else []) == values[inside].tolist()
        assert (cut.at_ns.tolist() if cut else []) == at_ns[inside].tolist()
