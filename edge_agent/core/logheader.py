"""What stands before the message of a log line: times, levels, hosts, threads, logger names.

The header is read field by field, because every program orders its fields in its own way.  Every
quantifier below is bounded and nothing nests, so no input makes a pattern backtrack for long.
"""

import re

from edge_agent.core.records import Severity

_MAX_FIELDS = 10

_LEVEL_WORDS = {
    Severity.CRITICAL: "emerg emergency panic alert crit critical fatal f",
    Severity.ERROR: "err error severe failure e",
    Severity.WARNING: "warn warning w",
    Severity.INFO: "notice info information informational config debug trace verbose"
    " fine finer finest i d v",
}
_LEVELS = {word: level for level, words in _LEVEL_WORDS.items() for word in words.split()}
_WORD = "|".join(sorted((word for word in _LEVELS if len(word) > 1), key=len, reverse=True))
# RFC 5424, table 2: emergency, alert, critical · error · warning · notice, informational, debug.
_SYSLOG_LEVELS = (
    *(Severity.CRITICAL,) * 3,
    Severity.ERROR,
    Severity.WARNING,
    *(Severity.INFO,) * 3,
)

_CLOCK = r"[0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2}(?:[.,:][0-9]{1,9})?)?"
_ZONE = r"(?:\ ?(?:Z\b|UTC|[+-][0-9]{2}:?[0-9]{2}|[AP]M\b))?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mai|Okt|Dez|Mrz|M[äa]r)"
_DATE = r"(?:[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}|[0-9]{1,2}[-/.][0-9]{1,2}(?:[-/.][0-9]{2,4})?)"
_BSD_TIME = rf"{_MONTH}\ {{1,2}}[0-9]{{1,2}}(?:\ [0-9]{{4}})?,?\ {_CLOCK}"
# Also what a time inside a message looks like, for the one who masks it.
TIME = (
    rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ )?{_BSD_TIME}(?:\ [0-9]{{4}}\b)?"
    rf"|{_DATE}(?:[T_-]|,?\ ){_CLOCK}{_ZONE}"
    rf"|[0-9]{{2}}/{_MONTH}/[0-9]{{4}}:{_CLOCK}{_ZONE}"
    r"|[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,:][0-9]{1,9})?"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?=[\ \]|,;])"
)

# What may open a header.  A whole family stands before the single fields it is made of.
_OPENING = re.compile(
    rf"""
      # RFC 5424
      <(?P<priority>[0-9]{{1,3}})>1\ (?:-|{TIME})\ \S{{1,255}}\ \S{{1,48}}\ \S{{1,128}}
          \ \S{{1,32}}\ (?:-|(?:\[[^\]]{{0,300}}\]){{1,4}})(?:\ |$)
      # Blue Gene RAS, with or without its label column
    | (?:\S{{1,16}}\ )?[0-9]{{9,10}}\ [0-9]{{4}}\.[0-9]{{2}}\.[0-9]{{2}}\ \S{{1,32}}
          \ [0-9.-]{{10,30}}\ \S{{1,32}}\ \w{{1,16}}\ \w{{1,16}}\ (?P<ras>[A-Z]{{1,16}})(?:\ |$)
      # cluster: number, node, component, state, epoch, flag
    | [0-9]{{1,9}}\ \S{{1,32}}\ (?P<kept>\S{{1,32}}\ \S{{1,32}})\ [0-9]{{9,10}}\ [0-9](?:\ |$)
      # bar-separated: time, component, process
    | [0-9]{{8}}-[0-9:]{{7,12}}\|\w{{1,48}}\|[0-9]{{1,12}}\|
      # glog, logcat's brief form
    | (?P<glog>[IWEF])[0-9]{{4}}\ {_CLOCK}\ {{1,6}}[0-9]{{1,9}}\ [\w./-]{{1,80}}:[0-9]{{1,6}}\]\ ?
    | (?P<slash>[VDIWEF])/[\w.$-]{{1,64}}\ ?(?:\(\ {{0,5}}[0-9]{{1,7}}\))?:\ ?
      # RFC 3164
    | <(?P<old_priority>[0-9]{{1,3}})>(?=\S)
      # the file that a line was collected from
    | [\w.-]{{1,64}}\.log\S{{0,40}}\ (?=[0-9\[])
      # logfmt
    | (?:time|ts|timestamp|date)=(?:"[^"]{{0,40}}"|\S{{1,40}})\ ?
    | (?:level|lvl|severity)="?(?P<pair>[A-Za-z]{{1,13}})"?\ ?
    | (?:msg|message)=(?=\S)
      # times, alone or in brackets
    | [\[(]?(?P<bsd>{_BSD_TIME})[\])]?(?:\ [0-9]{{4}}\b)?[,:;|]?(?:\ |$)
    | [\[(]?(?P<time>{TIME})[\])]?[,:;|]?(?:\ |$)
    | \[\ {{0,8}}(?P<uptime>[0-9]{{1,8}}\.[0-9]{{1,9}})\]\ ?
    | (?P<columns>[0-9]{{6}}\ [0-9]{{6}}\ [0-9]{{1,7}})\ (?=[A-Z]{{4,7}}\ )
    | (?P<epoch>1[0-9]{{9}}(?:[0-9]{{3}}){{0,3}}(?:\.[0-9]{{1,9}})?)[,;|]?(?:\ |$)
      # levels
    | [\[(<](?P<boxed>(?i:{_WORD}))[\])>]:?\ ?
    | (?P<word>(?i:{_WORD}))\ ?[:|](?:\ |$)
    """,
    re.VERBOSE | re.ASCII,
)
# What may follow once a time or a priority has shown that this is a header.
_FOLLOWING = re.compile(
    rf"""
      # logcat: process, thread, level, tag
      [0-9]{{1,7}}\ {{1,4}}[0-9]{{1,7}}\ (?P<letter>[VDIWEF])\ [^:]{{1,64}}:(?:\ |$)
    | [0-9]{{1,7}}\ (?=(?:{_WORD.upper()})\b)
      # a level in capitals, unless a sentence begins with it
    | (?P<bare>{_WORD.upper()})\b\ ?(?=\S)(?!IN\b)
      # thread, client, request
    | \[[^\]]{{0,120}}\]:?(?:\ |$)
      # host and tag[pid]:
    | (?:[\w.:-]{{1,64}}\ )?[\w./()-]{{1,64}}\[[0-9]{{1,10}}\](?:\ \([^)]{{1,64}}\))?:(?:\ |$)
    | [\w.-]{{1,64}}\ kernel:(?:\ |$)
      # logger name
    | [A-Za-z][\w-]{{0,60}}(?:[.$][\w-]{{1,60}}){{1,10}}:?\ (?=\S)
    | [-|:;,>]{{1,3}}(?:\ |$)
    """,
    re.VERBOSE | re.ASCII,
)
_BSD_TAG = re.compile(r"[\w.-]{1,64} (?:[\w./()-]{1,48}: ?)", re.ASCII)
_BSD_HOST = re.compile(r"(?=[\w.]{0,62}[0-9.-])[\w.-]{1,64} ", re.ASCII)


def headless(line: str) -> tuple[str, Severity | None]:
    """Return the message behind the header fields of ``line``, and the level among them.

    Args:
        line: Printable, with single blanks between its words.

    Returns:
        An empty message where the line is nothing but header, and ``None`` where it claims no
        level.
    """
    level: Severity | None = None
    kept = ""
    at = 0
    dated = False
    for _ in range(_MAX_FIELDS):
        field = _OPENING.match(line, at) or (_FOLLOWING.match(line, at) if dated else None)
        if field is None or field.end() == at:
            break
        groups = field.groupdict()
        level = _claimed(groups) or level
        kept = groups.get("kept") or kept
        dated = dated or groups.get("word") is None
        at = field.end()
        if groups.get("bsd"):
            tag = _BSD_TAG.match(line, at) if not _FOLLOWING.match(line, at) else None
            host = tag or (_BSD_HOST.match(line, at) if level else None)
            at = host.end() if host and not _FOLLOWING.match(line, at) else at
    message = line[at:].strip()
    return (f"{kept}: {message}" if kept and message else message), level


def _claimed(groups: dict[str, str | None]) -> Severity | None:
    priority = groups.get("priority") or groups.get("old_priority")
    if priority:
        return _SYSLOG_LEVELS[int(priority) % 8]
    for name in ("ras", "glog", "slash", "pair", "boxed", "word", "letter", "bare"):
        word = groups.get(name)
        if word:
            return _LEVELS.get(word.lower())
    return None
