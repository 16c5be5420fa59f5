"""Shapes: how fields become turns, and what is said of rows that have none."""

import json

import pytest

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang.data.source import SECTION

ASKED, ANSWERED = ("user", "2+2?"), ("assistant", "4")
CHAT = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]
SHAREGPT = [{"from": "human", "value": "2+2?"}, {"from": "gpt", "value": "4"}]


def turns(record, **spec):
    return Dataset.from_records([record], **spec).turns()[0]


@pytest.mark.parametrize(
    "record, shape",
    [
        ({"instruction": "2+2?", "input": "", "output": "4"}, "Alpaca (instruction, input, output)"),
        ({"instruction": "2+2?", "response": "4"}, "Alpaca (instruction, response)"),
        ({"instruction": "2+2?", "context": None, "response": 4}, "Alpaca (instruction, context, response)"),
        ({"Instruction": "2+2?", "OUTPUT": "4"}, "Alpaca (Instruction, OUTPUT)"),
        ({"prompt": "2+2?", "completion": "4"}, "prompt and completion (prompt, completion)"),
        ({"prompt": "2+2?", "response": "4"}, "prompt and completion (prompt, response)"),
        ({"question": "2+2?", "answer": "4"}, "question and answer (question, answer)"),
        ({"prompt": "x", "question": "2+2?", "answer": "4"}, "prompt and completion (prompt, answer)"),
        ({"query": "2+2?", "response": "4"}, "query and response (query, response)"),
        ({"input": "2+2?", "output": "4"}, "input and output (input, output)"),
        ({"inputs": "2+2?", "targets": "4"}, "inputs and targets (inputs, targets)"),
        ({"messages": CHAT}, "chat messages (messages)"),
        ({"prompt": "x", "completion": "y", "messages": CHAT}, "chat messages (messages)"),
        ({"conversations": CHAT}, "chat messages (conversations)"),
        ({"conversations": SHAREGPT}, "ShareGPT conversations (conversations)"),
        ({"conversations": ["2+2?", "4"]}, "user and assistant by turns (conversations)"),
        ({"messages": json.dumps(CHAT)}, "chat messages (messages)"),
    ],
)
def test_each_shape_is_found_and_stated(record, shape):
    data = Dataset.from_records([record])
    asked = ("user", "x") if shape.endswith("(prompt, answer)") else ASKED
    assert data.turns() == [[asked, ANSWERED]]
    assert data.info.shape == shape


def test_the_same_conversation_has_the_same_id_in_every_shape():
    records = [
        {"instruction": "2+2?", "output": "4"},
        {"prompt": "2+2?", "completion": "4"},
        {"messages": CHAT},
        {"conversations": SHAREGPT},
        {"conversations": ["2+2?", "4"]},
    ]
    assert len({Dataset.from_records([record]).ids()[0] for record in records}) == 1


@pytest.mark.parametrize(
    "record, shape",
    [
        ({"prompt": "2+2?"}, "requests without responses (prompt)"),
        ({"instruction": "2+2?", "response1": "4"}, "requests without responses (instruction)"),
        ({"turns": ["2+2?"]}, "turns of the user without responses (turns)"),
        ({"conversations": ["2+2?"]}, "user and assistant by turns (conversations)"),
    ],
)
def test_requests_without_responses(record, shape):
    data = Dataset.from_records([record])
    assert (data.turns(), data.info.shape) == ([[ASKED]], shape)


def test_turns_of_the_user():
    assert turns({"turns": ["a", "b"]}) == [("user", "a"), ("user", "b")]


def test_an_input_follows_its_instruction_after_a_line_break():
    assert turns({"instruction": "Add.", "input": "2 2", "output": "4"})[0] == ("user", "Add.\n2 2")
    assert turns({"instruction": "Add.", "input": "  ", "output": "4"})[0] == ("user", "Add.")
    assert turns({"instruction": "", "input": "2+2?", "output": "4"})[0] == ASKED


@pytest.mark.parametrize(
    "record",
    [
        {"instruction": "2+2?", "output": "4", "system": "Count."},
        {"question": "2+2?", "response": "4", "system_prompt": "Count."},
        {"conversations": SHAREGPT, "system": "Count."},
        {"messages": [{"role": "system", "content": "Count."}, *CHAT]},
        {"messages": [{"role": "developer", "content": "Count."}, *CHAT]},
    ],
)
def test_a_system_turn(record):
    data = Dataset.from_records([record])
    assert data.turns() == [[("system", "Count."), ASKED, ANSWERED]]
    assert "system" in data.info.shape or "messages" in data.info.shape


@pytest.mark.parametrize("system", ["", "  ", None])
def test_an_empty_system_field_is_no_turn(system):
    assert turns({"prompt": "2+2?", "completion": "4", "system": system}) == [ASKED, ANSWERED]


def test_many_turns_in_any_order_are_kept():
    roles = ["system", "system", "user", "user", "assistant", "tool", "assistant", "user"]
    record = {"messages": [{"role": role, "content": f"{i}"} for i, role in enumerate(roles)]}
    assert turns(record) == [(role, f"{i}") for i, role in enumerate(roles)]


def test_tool_turns():
    names = ["human", "function_call", "observation", "gpt"]
    record = {"conversations": [{"from": name, "value": name} for name in names]}
    assert [role for role, _ in turns(record)] == ["user", "assistant", "tool", "assistant"]
    call = {"role": "assistant", "content": None, "tool_calls": [{"name": "add"}]}
    assert turns({"messages": [CHAT[0], call]})[1] == ("assistant", '[{"name":"add"}]')


def test_scalars_stand_for_their_text_and_empty_responses_are_responses():
    for value, text in ((4, "4"), (2.0, "2.0"), (True, "true"), (False, "false"), ("", "")):
        assert turns({"question": "2+2?", "answer": value}) == [ASKED, ("assistant", text)]


BAD = [
    ({"prompt": "a"}, "no field 'completion'; there are 'prompt'"),
    ({"prompt": "a", "complation": "b"}, "no field 'completion'; did you mean 'complation'?"),
    ({"prompt": "a", "completion": None}, "'completion' is null, expected text"),
    ({"prompt": "a", "completion": ["b"]}, "'completion' is a list, expected text"),
    ({"prompt": {"a": 1}, "completion": "b"}, "'prompt' is an object, expected text"),
    ({"prompt": "a", "completion": 10**19}, "'completion' is a number beyond 64 bits"),
    ({"prompt": " \n", "completion": "b"}, "nothing is asked"),
    (["a", "b"], "not an object of fields"),
    ("text", "not an object of fields"),
    (None, "not an object of fields"),
]
BAD_CHATS = [
    ([], "'messages' is empty; expected at least one turn"),
    ("hello", "'messages' is a text that is not JSON"),
    ({"role": "user"}, "'messages' is an object, expected a list of turns"),
    (None, "'messages' is null, expected a list of turns"),
    ([1], "turn 1 of 'messages' is a int, expected an object or a text"),
    (
        [CHAT[0], {"role": "robot", "content": "b"}],
        "turn 2 of 'messages' has the role 'robot'; expected system",
    ),
    ([CHAT[0], {"content": "b"}], "turn 2 of 'messages' has the role None"),
    ([{"role": "user", "content": None}], "the content of turn 1 of 'messages' is null"),
    ([{"role": "user", "content": [{"text": "a"}]}], "the content of turn 1 of 'messages' is a list"),
    ([CHAT[1], CHAT[0]], "nothing is asked"),
    ([{"role": "system", "content": "a"}], "nothing is asked"),
]


@pytest.mark.parametrize(
    "good, bad, message",
    [
        *(({"prompt": "a", "completion": "b"}, bad, message) for bad, message in BAD),
        *(({"messages": CHAT}, {"messages": bad}, message) for bad, message in BAD_CHATS),
    ],
)
def test_bad_rows_are_errors_that_name_the_line_or_are_skipped(good, bad, message, read, write):
    path = write("rows.jsonl", [good, bad, good])
    with pytest.raises(sl.DataError) as error:
        read(path)
    assert f"rows.jsonl:2: {message}" in str(error.value)
    assert "bad_rows: skip" in str(error.value)
    data = read(path, bad_rows="skip")
    assert (len(data), data.info.skipped) == (2, 1)
    assert data.info.skipped_first[0].startswith(f"{path}:2: ")
    assert len(data.field("prompt" if "prompt" in good else "messages")) == 2


def test_only_the_first_few_bad_rows_are_described(read, write):
    path = write("rows.jsonl", "not json\n" * 50 + '{"prompt": "a"}\n')
    info = read(path, bad_rows="skip").info
    assert (info.rows, info.skipped, len(info.skipped_first)) == (1, 50, 5)
    assert info.skipped_first[0] == f"{path}:1: not JSON: Expecting value at character 1"
    with pytest.raises(sl.DataError, match=r"no rows: all 50 are bad, as .*rows\.jsonl:1: not JSON"):
        read(write("rows.jsonl", "not json\n" * 50), bad_rows="skip")


def test_fields_of_no_known_shape():
    with pytest.raises(sl.DataError) as error:
        Dataset.from_records([{"text": "a", "code": "b"}])
    message = str(error.value)
    assert "'text', 'code'" in message
    assert "Known shapes: instruction + input + output" in message
    assert "columns: {instruction: text, response: code}" in message


def test_rows_without_fields(read, write):
    path = write("a.jsonl", [{}, {}])
    with pytest.raises(sl.DataError, match=r"a\.jsonl:1: the row has no fields\. Known shapes: instruction"):
        read(path)
    with pytest.raises(sl.DataError, match=r"no rows: all 2 are bad, as .*a\.jsonl:1: the row has no fields"):
        read(path, bad_rows="skip")
    path = write("b.jsonl", [{"prompt": "a", "completion": "b"}, {}])
    with pytest.raises(
        sl.DataError, match=r"b\.jsonl:2: the row has no fields; expected 'prompt', 'completion'"
    ):
        read(path)
    path = write("c.jsonl", [*[{}] * 150, {"prompt": "a", "completion": "b"}])
    assert (len(data := read(path, bad_rows="skip")), data.info.skipped) == (1, 150)


ASSISTANT = {"role": "assistant", "content": "4"}


@pytest.mark.parametrize(
    "record, columns",
    [
        ({"prompt": "2+2?", "chosen": "4", "rejected": "5"}, "instruction: prompt, response: chosen"),
        ({"prompt": "2+2?", "Chosen": CHAT, "Rejected": []}, "messages: Chosen"),
        (
            {"prompt": "2+2?", "chosen": ASSISTANT, "rejected": {}},
            "instruction: prompt, response: chosen.content",
        ),
        (
            {"conversations": SHAREGPT[:1], "chosen": SHAREGPT[1], "rejected": {}},
            "messages: conversations, response: chosen.value",
        ),
    ],
)
def test_preferences_say_that_neither_answer_is_read_and_how_to_read_one(record, columns):
    data = Dataset.from_records([record])
    assert data.turns() == [[ASKED]]
    names = [name for name in record if name.lower() in ("chosen", "rejected")]
    note = f"'{names[0]}' and '{names[1]}' are not read; to read one of them, say columns: {{{columns}}}"
    note += f", {SECTION}"
    assert data.info.notes == [note]
    as_told = dict(part.split(": ") for part in columns.split(", "))
    again = Dataset.from_records([record], columns=as_told)
    assert (again.turns(), again.info.notes) == ([[ASKED, ANSWERED]], [])


def test_preferences_without_a_request():
    with pytest.raises(sl.DataError, match=r"to read one of them, say columns: \{messages: chosen\}"):
        Dataset.from_records([{"chosen": CHAT, "rejected": CHAT}])
    with pytest.raises(sl.DataError, match=r"no known shape: 'chosen', 'rejected'\. Known shapes"):
        Dataset.from_records([{"chosen": "4", "rejected": "5"}])


def test_a_preference_in_many_files_is_noted_once(read, write):
    rows = [{"prompt": "2+2?", "chosen": "4", "rejected": "5"}]
    assert len(read(write("a.jsonl", rows), write("b.jsonl", rows)).info.notes) == 1


@pytest.mark.parametrize("setting", ["group", "id"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_a_field_that_the_spec_names_and_no_row_has(setting, name, read, write):
    rows = [{"prompt": "a", "tsak": "t"}]
    path = write(name, "prompt,tsak\na,t\n" if name == "a.csv" else rows)
    message = (
        rf"{name}: {setting}: the rows have no field 'task'; did you mean 'tsak'\? there are 'prompt', 'ts"
    )
    with pytest.raises(sl.DataError, match=message):
        read(path, **{setting: "task"})
    with pytest.raises(
        sl.DataError, match="no rows: all 1 are bad, as .*: no field 'task'; did you mean 'tsak'"
    ):
        read(path, bad_rows="skip", **{setting: "task"})


def test_a_field_that_one_row_lacks_is_a_bad_row(read, write):
    path = write("a.jsonl", [{"prompt": "a", "task": "t"}, {"prompt": "b"}])
    with pytest.raises(sl.DataError, match=r"a\.jsonl:2: no field 'task'; there are 'prompt'"):
        read(path, group="task")
    assert read(path, group="task", bad_rows="skip").groups() == ["t"]


def test_columns_name_the_fields_of_any_other_shape():
    record = {"text": "2+2?", "code": "4", "who": "Count.", "other": {"given": [{"x": "now"}]}}
    columns = {"instruction": "text", "response": "code", "system": "who"}
    assert turns(record, columns=columns) == [("system", "Count."), ASKED, ANSWERED]
    data = Dataset.from_records([record], columns={**columns, "input": "other.given.0.x"})
    assert data.turns()[0][1] == ("user", "2+2?\nnow")
    assert data.info.shape == (
        "columns (instruction: text, response: code, system: who, input: other.given.0.x)"
    )


def test_columns_decide_alone():
    record = {"instruction": "no", "output": "no", "a": "2+2?"}
    assert turns(record, columns={"instruction": "a"}) == [ASKED]
    pair = {"conversations": SHAREGPT[:1], "chosen": {"value": "4"}}
    assert turns(pair, columns={"messages": "conversations", "response": "chosen.value"}) == [ASKED, ANSWERED]


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"instruktion": "text"}, "no part 'instruktion' of a row; did you mean 'instruction'?"),
        ({"response": "code"}, "say which field holds the instruction, or the messages"),
        ({"instruction": "txt"}, "records: instruction: the rows have no field 'txt'; did you mean 'text'?"),
        ({"instruction": "text", "input": "cod"}, "columns: no row has a field 'cod'; did you mean 'code'?"),
    ],
)
def test_columns_that_cannot_be(columns, message):
    with pytest.raises(sl.DataError) as error:
        Dataset.from_records([{"text": "a", "code": "b"}], columns=columns)
    assert message in str(error.value)


def test_files_of_several_shapes_make_one_data_set(read, write):
    a = write("a.jsonl", [{"prompt": "2+2?", "completion": "4"}])
    b = write("b.json", [{"messages": CHAT}])
    data = read(a, b)
    assert data.turns() == [[ASKED, ANSWERED]] * 2
    assert data.info.shape == "prompt and completion (prompt, completion); chat messages (messages)"
    assert data.info.format == "jsonl, json"
    assert data.field("completion") == ["4", None]
