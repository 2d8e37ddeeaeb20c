"""Files of addresses: every form that a command writes is read, wrong lines are named, and a part is no file."""

import os
from pathlib import Path

import pytest

from consumer.cli.address_file import AddressFile, AddressSelection, read_addresses
from consumer.errors import UsageError
from consumer.kafka.dead_letter_headers import StoredDeadLetter
from consumer.model import Record, RecordAddress, Rejected

ADDRESS = RecordAddress(3, 1042)


def file_of(folder: Path, *lines: str) -> Path:
    path = folder / "addresses.txt"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    "line",
    [
        "3:1042",
        "answers 3 1042",
        "  3:1042  2026-03-02T09:00:00.000Z  http_400  -  abc-3-1042-0  Survey Answered",
        "answers\t3\t1042\r",
        '{"partition":3,"offset":1042}',
        '{"topic":"answers","partition":3,"offset":1042,"reason":"http_400"}',
        "\ufeff3:1042",
        "\xa03:1042\x0c",
    ],
)
def test_each_form_of_an_address_is_read(tmp_path: Path, line: str) -> None:
    selection = read_addresses(file_of(tmp_path, "# a remark", "", line), "answers")
    assert selection == AddressSelection(frozenset([ADDRESS]))


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("3", "expected PARTITION:OFFSET"),
        ("3:", "expected PARTITION:OFFSET"),
        ("3:-1", "expected PARTITION:OFFSET"),
        ("3:1042x", "expected PARTITION:OFFSET"),
        ("٣:1042", "expected PARTITION:OFFSET"),
        ("answers 3", "expected PARTITION:OFFSET"),
        ("answers 3 x", "expected PARTITION:OFFSET"),
        ("answers.dead-letter 3 1042", "the address is of another topic than answers"),
        ('{"topic":"others","partition":3,"offset":1042}', "the address is of another topic than answers"),
        ('{"partition":3', "or a JSON object"),
        ('{"partition":3,"offset":true}', "expected the numbers partition and offset"),
        ('{"partition":3}', "expected the numbers partition and offset"),
    ],
)
def test_a_wrong_line_is_named_and_not_repeated(tmp_path: Path, line: str, mistake: str) -> None:
    path = file_of(tmp_path, "3:1042", line)
    with pytest.raises(UsageError) as error:
        read_addresses(path, "answers")
    (text,) = error.value.lines
    assert text.startswith(f"{path}:2: ")
    assert mistake in text
    assert line not in text.removeprefix(str(path))


@pytest.mark.parametrize("blank", ["\x0c", "\x0b", "\xa0", " \t\r", "\ufeff\x0c", "\u2003"], ids=repr)
def test_a_line_of_blanks_is_empty(tmp_path: Path, blank: str) -> None:
    assert read_addresses(file_of(tmp_path, blank, "3:1042"), "answers").addresses == {ADDRESS}


@pytest.mark.parametrize("line", ["\x0c\ufeff", "\u200b", "\x00"], ids=repr)
def test_an_invisible_character_is_a_wrong_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError, match="expected PARTITION:OFFSET"):
        read_addresses(file_of(tmp_path, line), "answers")


def test_many_wrong_lines_are_counted(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_addresses(file_of(tmp_path, *["wrong"] * 1000), "answers")
    assert len(error.value.lines) == 11
    assert error.value.lines[-1].endswith("990 further lines are wrong")


def test_a_repeated_address_is_one_record(tmp_path: Path) -> None:
    selection = read_addresses(file_of(tmp_path, "3:1042", "answers 3 1042", "0:1"), "answers")
    assert selection == AddressSelection(frozenset([ADDRESS, RecordAddress(0, 1)]), repeated=1)


def test_the_text_of_a_selection_depends_on_its_addresses_alone() -> None:
    first = AddressSelection(frozenset([ADDRESS, RecordAddress(0, 1)]))
    assert str(first) == str(AddressSelection(frozenset([RecordAddress(0, 1), ADDRESS]), repeated=5))
    assert str(first) != str(AddressSelection(frozenset([ADDRESS])))


def test_a_selection_has_the_dead_letters_of_its_records() -> None:
    selection = AddressSelection(frozenset([ADDRESS]))
    record = Record(3, 1042, 0, None, b"", ())
    stored = StoredDeadLetter(record._replace(partition=0, offset=7), record, "answers", Rejected("", "", ""), 0, "")
    assert stored in selection
    assert stored._replace(record=record._replace(offset=7)) not in selection


def test_a_file_that_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "missing.txt"
    with AddressFile(path, "answers") as file:
        file.add(ADDRESS)
    assert path.read_text() == "answers 3 1042\n"
    assert read_addresses(path, "answers").addresses == {ADDRESS}


def test_a_part_of_the_addresses_is_no_file(tmp_path: Path) -> None:
    path = file_of(tmp_path, "0:1")

    def write_a_part() -> None:
        with AddressFile(path, "answers") as file:
            file.add(ADDRESS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_a_part()
    assert path.read_text() == "0:1"
    assert list(tmp_path.iterdir()) == [path]


def test_the_target_of_a_link_is_replaced_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "target.txt", tmp_path / "link.txt", tmp_path / "pipe"
    link.symlink_to(target)
    with AddressFile(link, "answers") as file:
        file.add(ADDRESS)
    assert link.is_symlink()
    assert target.read_text() == "answers 3 1042\n"
    assert sorted(tmp_path.iterdir()) == [link, target]

    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with AddressFile(pipe, "answers") as file:
        file.add(ADDRESS)
    assert os.read(reader, 100) == b"answers 3 1042\n"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_file_that_cannot_be_written_or_read_is_a_clear_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        AddressFile(tmp_path / "nowhere" / "file", "answers")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_addresses(tmp_path, "answers")


def test_standard_output_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "output.txt"
    with path.open("w", encoding="utf-8") as output:
        monkeypatch.setattr("sys.stdout", output)
        with AddressFile(Path(f"/proc/self/fd/{output.fileno()}"), "answers") as file:
            file.add(ADDRESS)
        output.write("the table\n")
    assert path.read_text() == "answers 3 1042\nthe table\n"
