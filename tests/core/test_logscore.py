from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.logscore import LogScorer, SeveritySource
from edge_agent.core.manifest import LogInput, Manifest, Task
from edge_agent.core.records import Category, Severity
from edge_agent.core.wordpairs import WordPairs

LABELS = {"category": tuple(Category), "severity": tuple(Severity)}
KEYWORDS = {
    "normal": (Category.NORMAL, Severity.INFO),
    "jammed": (Category.MECHANICAL, Severity.ERROR),
    "hot": (Category.THERMAL, Severity.WARNING),
    "fire": (Category.SAFETY, Severity.CRITICAL),
    "silent": (Category.COMMUNICATION, Severity.INFO),  # heads that contradict each other
}


def manifest(abstain_below=0.0, novel_below=-100.0, heads=LABELS, temperature=1.0, novel_from=1.0):
    log = LogInput(
        max_tokens=48,
        heads=heads,
        temperature=dict.fromkeys(heads, temperature),
        abstain_below=abstain_below,
        novel_below=novel_below,
        novel_from=novel_from,
    )
    return Manifest("keywords", "1", Task.LOG_CLASSIFICATION, "float32", log=log)


@dataclass
class KeywordModel:
    """Knows five words: each moves one category and one severity by ``strength``."""

    manifest: Manifest = field(default_factory=manifest)
    strength: float = 5.0
    pairs: WordPairs | None = None
    asked: list = field(default_factory=list)

    def logits(self, text):
        self.asked.append(text)
        heads = {head: np.zeros(len(names)) for head, names in self.manifest.log.heads.items()}
        for word in text.split():
            for head, label in zip(LABELS, KEYWORDS.get(word, ()), strict=False):
                heads[head][self.manifest.log.heads[head].index(label)] += self.strength
        return np.concatenate(list(heads.values())).astype(np.float32)

    def logits_each(self, texts):
        return np.stack([self.logits(text) for text in texts])


def test_a_line_gets_category_severity_and_probability():
    score = LogScorer(KeywordModel(), 8).score("Spindle 3 JAMMED")
    assert (score.category, score.severity) == (Category.MECHANICAL, Severity.ERROR)
    assert score.probability == pytest.approx(np.exp(5) / (np.exp(5) + 9), rel=1e-6)
    assert (score.template, score.text) == ("Spindle <num> JAMMED", "spindle jammed")
    assert score.anomalous


def test_a_repeated_template_never_reaches_the_model_again():
    model = KeywordModel()
    scorer = LogScorer(model, 8)
    for number in range(50):
        scorer.score(f"spindle {number} jammed")
    assert (scorer.hits, scorer.misses, len(model.asked)) == (49, 1, 1)


def test_the_same_words_at_another_level_are_another_entry():
    scorer = LogScorer(KeywordModel(), 8)
    scorer.score("jammed", Severity.WARNING)
    scorer.score("jammed", Severity.ERROR)
    assert (scorer.hits, scorer.misses) == (0, 2)


def test_the_cache_never_holds_more_than_it_may():
    scorer = LogScorer(KeywordModel(), 3)
    for letter in "abcdefgh":
        scorer.score(f"line {letter}x")
        assert scorer.templates <= 3


def test_the_template_unused_for_longest_is_forgotten_first():
    model = KeywordModel()
    scorer = LogScorer(model, 2)
    for line in ("jammed", "hot", "jammed", "fire", "jammed", "hot"):
        scorer.score(line)
    assert model.asked == ["jammed", "hot", "fire", "hot"]


def test_a_line_without_a_permit_is_shed_and_proves_nothing():
    model = KeywordModel(manifest(abstain_below=0.3))
    scorer = LogScorer(model, 8)
    score = scorer.score("fire", Severity.CRITICAL, lambda *_: False)
    assert (score.abstained, score.anomalous, score.probability) == (True, False, 0.0)
    assert score.template == "fire"
    assert (scorer.hits, scorer.misses, scorer.shed, model.asked) == (0, 0, 1, [])


def test_a_shed_template_gets_another_chance():
    scorer = LogScorer(KeywordModel(), 8)
    scorer.score("fire", may_ask=lambda *_: False)
    assert scorer.score("fire").category is Category.SAFETY


def test_a_permit_is_asked_for_only_where_the_model_would_run():
    scorer, asked = LogScorer(KeywordModel(), 8), []

    def may_ask(*key):
        return asked.append(key) is None

    for number in range(3):
        scorer.score(f"<11>fire {number}", may_ask=may_ask)
    assert asked == [("fire <num>", Severity.ERROR)]


def test_a_score_does_not_depend_on_what_was_scored_before():
    lines = ["a jammed", "b hot", "c normal", "a jammed", "d fire"]
    scorer = LogScorer(KeywordModel(), 1)
    assert [scorer.score(line) for line in lines] == [
        LogScorer(KeywordModel(), 8).score(line) for line in lines
    ]


@pytest.mark.parametrize("room", [1, 2, 8])
@given(st.lists(st.sampled_from(["a jammed", "hot 1", "hot 2", "", "42", "<11>fire", "normal"])))
def test_many_lines_at_once_are_scored_and_counted_as_one_after_the_other(room, lines):
    one, many = LogScorer(KeywordModel(), room), LogScorer(KeywordModel(), 8)
    assert many.score_each(lines) == [one.score(line) for line in lines]
    assert many.hits + many.misses == len(lines)
    if room == 8:
        assert (one.hits, one.misses) == (many.hits, many.misses)


def test_a_template_evicted_in_the_middle_of_many_lines_is_judged_again():
    lines = ["hot", *(f"x{letter} jammed" for letter in "abcd"), "hot"]
    scorer = LogScorer(KeywordModel(), 2)
    scorer.score("hot")
    assert [score.category for score in scorer.score_each(lines)][-1] is Category.THERMAL


@pytest.mark.parametrize(
    ("line", "level", "severity", "source"),
    [
        ("hot", None, Severity.WARNING, SeveritySource.TEXT),
        ("hot", Severity.CRITICAL, Severity.CRITICAL, SeveritySource.LEVEL),
        ("hot", Severity.INFO, Severity.WARNING, SeveritySource.TEXT),
        ("2024-05-01 10:00:00 ERROR hot", None, Severity.ERROR, SeveritySource.LEVEL),
        ("2024-05-01 10:00:00 ERROR hot", Severity.WARNING, Severity.WARNING, SeveritySource.LEVEL),
    ],
    ids=[
        "text",
        "level beside",
        "info decides nothing",
        "level in header",
        "beside outranks header",
    ],
)
def test_a_faults_severity_comes_from_its_level_else_from_its_text(line, level, severity, source):
    score = LogScorer(KeywordModel(), 8).score(line, level)
    assert (score.category, score.severity) == (Category.THERMAL, severity)
    assert score.severity_from is source


def test_clear_text_outweighs_the_level_field():
    scorer = LogScorer(KeywordModel(), 8)
    assert scorer.score("jammed", Severity.INFO).category is Category.MECHANICAL
    assert scorer.score("normal", Severity.CRITICAL).category is Category.NORMAL


def test_between_two_readings_the_level_field_decides():
    scorer = LogScorer(KeywordModel(), 8)
    assert scorer.score("normal jammed", Severity.ERROR).category is Category.MECHANICAL
    assert scorer.score("normal jammed", Severity.INFO).category is Category.NORMAL


@given(
    st.sampled_from(sorted(KEYWORDS)),
    st.sampled_from(sorted(KEYWORDS)),
    st.sampled_from([None, *Severity]),
)
def test_a_line_is_normal_if_and_only_if_it_is_info(one, other, level):
    score = LogScorer(KeywordModel(), 8).score(f"{one} {other}", level)
    assert (score.category is Category.NORMAL) == (score.severity is Severity.INFO)


def test_a_weak_answer_is_given_and_abstained_from():
    scorer = LogScorer(KeywordModel(manifest(abstain_below=0.5), strength=1.0), 8)
    score = scorer.score("jammed")
    assert score.category is Category.MECHANICAL
    assert score.abstained
    assert score.probability < score.threshold == 0.5
    assert not score.anomalous


def test_a_higher_temperature_makes_the_model_less_sure():
    warm, cold = (
        LogScorer(KeywordModel(manifest(temperature=heat)), 8).score("jammed").probability
        for heat in (4.0, 1.0)
    )
    assert warm < cold


def test_words_that_move_no_logit_are_novel():
    scorer = LogScorer(KeywordModel(manifest(novel_below=4.0)), 8)
    assert scorer.score("zxqw vbnm").novel
    assert not scorer.score("spindle jammed").novel


def test_the_word_pairs_of_the_training_say_how_new_a_wording_is():
    met = WordPairs.of(["spindle jammed", "door normal"])
    scorer = LogScorer(KeywordModel(manifest(novel_from=0.9), pairs=met), 8)
    scores = [scorer.score(line) for line in ("Spindle jammed", "spindle normal", "normal door")]
    assert [score.novelty for score in scores] == [0, pytest.approx(1 / 3), 1]
    assert [score.novel for score in scores] == [False, False, True]


def test_where_word_pairs_are_known_the_energy_is_not_asked():
    met = WordPairs.of(["zxqw vbnm"])
    scorer = LogScorer(KeywordModel(manifest(novel_below=100.0), pairs=met), 8)
    assert not scorer.score("zxqw vbnm").novel


def test_a_package_without_word_pairs_tells_no_novelty():
    assert LogScorer(KeywordModel(), 8).score("jammed").novelty is None


def test_what_is_called_normal_in_novel_words_is_abstained_from():
    scorer = LogScorer(KeywordModel(manifest(novel_below=6.0), strength=5.0), 8)
    routine, fault = scorer.score("normal"), scorer.score("jammed")
    assert (routine.category, routine.novel, routine.abstained) == (Category.NORMAL, True, True)
    assert (fault.category, fault.novel, fault.abstained) == (Category.MECHANICAL, True, False)


@pytest.mark.parametrize(
    ("line", "level", "unknown"),
    [
        ("zxqw vbnm", None, True),
        ("zxqw vbnm", Severity.ERROR, True),
        ("zxqw vbnm", Severity.INFO, False),
        ("spindle jammed", None, False),
        ("17 42", None, False),
        ("", Severity.ERROR, False),
    ],
    ids=["no level", "grave", "calls itself routine", "fits", "no words", "empty"],
)
def test_a_line_that_nothing_fits_is_unknown(line, level, unknown):
    scorer = LogScorer(KeywordModel(manifest(abstain_below=0.5)), 8)
    assert scorer.score(line, level).unknown is unknown


def test_a_shed_line_is_not_unknown():
    scorer = LogScorer(KeywordModel(manifest(abstain_below=0.5)), 8)
    assert not scorer.score("zxqw", may_ask=lambda *_: False).unknown


@pytest.mark.parametrize("raw", ["", "   ", "\x00", "42"])
def test_a_line_without_words_is_normal_and_abstained(raw):
    model = KeywordModel()
    score = LogScorer(model, 8).score(raw)
    assert (score.category, score.severity) == (Category.NORMAL, Severity.INFO)
    assert score.abstained
    assert model.asked == []


@given(st.text(st.characters(exclude_categories=()), max_size=80))
def test_any_text_gets_a_score(raw):
    assert 0 <= LogScorer(KeywordModel(), 2).score(raw).probability <= 1


def test_heads_may_stand_in_any_order():
    turned = {"severity": tuple(reversed(Severity)), "category": tuple(reversed(Category))}
    score = LogScorer(KeywordModel(manifest(heads=turned)), 8).score("fire")
    assert (score.category, score.severity) == (Category.SAFETY, Severity.CRITICAL)


@pytest.mark.parametrize(
    "heads",
    [{"category": LABELS["category"]}, {"category": ("normal",), "severity": LABELS["severity"]}],
    ids=["no severity", "half a taxonomy"],
)
def test_a_model_without_the_taxonomy_is_our_bug(heads):
    with pytest.raises(ValueError, match="head"):
        LogScorer(KeywordModel(manifest(heads=heads)), 8)


def test_a_cache_without_room_is_our_bug():
    with pytest.raises(ValueError, match="room"):
        LogScorer(KeywordModel(), 0)
