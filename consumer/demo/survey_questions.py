"""Surveys with a question of every type that Sprig asks, and answers as Sprig's SDK submits them."""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple


class Question(NamedTuple):
    """`answer` creates an answer. `optional`: Sprig allows no answer, so that the response may be null."""

    type: str
    text: str
    answer: Callable[[Random], Any]
    optional: bool = False


class Survey(NamedTuple):
    id: int | str
    name: str
    questions: tuple[Question, ...]


REMARKS = (
    "Works well for our team.",
    "The export took me a while to find.",
    "Größer schreiben, bitte 🙂",
    "Prices are clear, the tax line is not.",
    'It said "done" before it was done.',
)
_ANYTHING_ELSE = "Anything else you would like to tell us?"


def _remark(random: Random) -> str:
    return random.choice(REMARKS)


def _uid(random: Random) -> str:
    return f"rec-{random.getrandbits(48):012x}"


def _multiselect(random: Random) -> list[str]:
    return random.sample(["Reports", "Alerts", "Sharing", "Mobile"], random.randint(1, 3))


def _matrix(random: Random) -> dict[str, str | None]:
    return {row: random.choice(["Good", "Fair", "Poor", None]) for row in ("speed", "design", "support")}


def _rank(random: Random) -> dict[str, int | None]:
    return dict(zip(("101", "102", "103"), random.sample([1, 2, 3, None], 3), strict=True))


def _maxdiff(random: Random) -> list[list[dict[str, Any]]]:
    options = ["Price", "Speed", "Looks"]
    sets = [random.sample(["left", "right", None], 3) for _ in range(2)]
    return [
        [
            {"id": number, "option": option, "selected": side}
            for number, (option, side) in enumerate(zip(options, sides, strict=True), 1)
        ]
        for sides in sets
    ]


def _conjoint(random: Random) -> list[list[dict[str, Any]]]:
    levels = [("Storage", "10 GB"), ("Storage", "100 GB"), ("Support", "by phone")]
    selected = random.randrange(len(levels))
    return [
        [
            {"attribute": attribute, "level": level, "selected": number == selected}
            for number, (attribute, level) in enumerate(levels)
        ]
    ]


def _task(random: Random) -> dict[str, Any]:
    return {
        "mediaRecordingUids": [_uid(random)],
        "taskDurationMillisecond": random.randint(4_000, 90_000),
        "taskStatus": random.choice(["completed", "given.up"]),
    }


SURVEYS = (
    Survey(
        4711,
        "Onboarding",
        (
            Question("nps", "How likely are you to recommend us?", lambda random: random.randint(0, 10), optional=True),
            Question("open", _ANYTHING_ELSE, _remark),
            Question("likert", "How easy was it to get started?", lambda random: random.randint(1, 5), optional=True),
            Question("open", _ANYTHING_ELSE, _remark),
            Question("aidynamicfollowup", "What made it feel that way?", _remark),
            Question(
                "multiplechoice",
                "What is your role?",
                lambda random: random.choice(["Analyst", "Engineer"]),
                optional=True,
            ),
        ),
    ),
    Survey(
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "Features",
        (
            Question("multipleselect", "Which of these do you use?", _multiselect),
            Question("matrix", "How do you rate these?", _matrix),
            Question("rankorder", "Put these in order.", _rank),
            Question("maxdiff", "Which matters most, which least?", _maxdiff),
            Question("conjoint", "Which plan would you take?", _conjoint),
            Question(
                "validatedtext",
                "Which address may we write to?",
                lambda random: f"guest{random.randint(1, 99)}@example.com",
            ),
        ),
    ),
    Survey(
        4713,
        "Usability",
        (
            Question("consentlegal", "May we record your screen?", lambda _: {"submitted": True}, optional=True),
            Question("recordedtask", "Please invite a colleague.", _task),
            Question("videovoice", "Tell us what you expected.", lambda random: {"mediaRecordingUid": _uid(random)}),
            Question(
                "texturlprompt",
                "Please read this page.",
                lambda random: random.choice([{}, {"skipped": True}]),
                optional=True,
            ),
            Question("uploading", "Show us where you got stuck.", lambda random: {"mediaRecordingUid": _uid(random)}),
            Question("aidynamicstandalone", "What would you change first?", _remark),
        ),
    ),
)
QUESTION_TYPES = frozenset(question.type for survey in SURVEYS for question in survey.questions)
