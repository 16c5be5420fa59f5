"""Real files: each is read in the shape it has, or refused with a reason."""

import pytest

import selectlang as sl

FILES = {
    "pools/alpaca_data.json.gz": (52_002, "Alpaca (instruction, input, output)"),
    "pools/lima.jsonl": (1_030, "user and assistant by turns (conversations)"),
    "pools/dolly_3k.json": (2_996, "Alpaca (instruction, input, output)"),
    "pools/gpteacher_codegen.json": (4_535, "Alpaca (instruction, input, response)"),
    "pools/formats/alpaca_en_demo.json": (999, "Alpaca (instruction, input, output)"),
    "pools/formats/fastchat_dummy_conversation.json": (500, "ShareGPT conversations (conversations)"),
    "pools/formats/glaive_toolcall_en_demo.json": (300, "ShareGPT conversations (conversations)"),
    "pools/formats/dpo_en_demo.json": (300, "ShareGPT conversations (conversations)"),
    "pools/formats/kto_en_demo.json": (300, "chat messages (messages)"),
    "targets/gsm8k_train.jsonl": (7_473, "question and answer (question, answer)"),
    "targets/bbh_few_shot.jsonl": (81, "question and answer (question, answer)"),
    "targets/mmlu_val.jsonl": (285, "question and answer (question, answer)"),
    "targets/HumanEval.jsonl.gz": (164, "requests without responses (prompt)"),
    "targets/wizardlm/WizardLM_testset.jsonl": (218, "requests without responses (Instruction)"),
    "targets/vicuna80/question.jsonl": (80, "turns of the user without responses (turns)"),
    "targets/lima_test/test.jsonl": (300, "user and assistant by turns (conversations)"),
    "judge/pandalm_testset.json": (999, "requests without responses (instruction, input)"),
}


@pytest.mark.parametrize("name", FILES)
def test_rows_and_shape(name, real, read):
    data = read(real / name)
    assert (len(data), data.info.shape) == FILES[name]
    assert len(set(data.ids())) == len(data)
    assert all(any(role == "user" for role, _ in turns) for turns in data.turns())


def test_alpaca(real, read):
    data = read(real / "pools/alpaca_data.json.gz")
    assert sum(turns[-1] == ("assistant", "") for turns in data.turns()) == 28
    assert data.field("output")[0].startswith("1.Eat a balanced diet")


def test_flan_without_a_line_of_names(real, read):
    data = read(real / "pools/flan_cot/*.tsv", header=("question", "answer", "rationale"), group="_file")
    assert len(data) == 19_177
    assert sorted(set(data.groups())) == ["aqua_train", "creak_train", "gsm8k_train", "strategyqa_train"]


def test_bad_lines_as_found(real, read):
    path = real / "pools/alpaca_libre/alpaca_libre_tasks_v2.jsonl"
    with pytest.raises(sl.DataError, match=r"alpaca_libre_tasks_v2\.jsonl:2279: not JSON"):
        read(path)
    data = read(path, bad_rows="skip")
    assert (len(data), data.info.skipped) == (2_280, 14)


def test_other_shapes_by_columns(real, read):
    assert len(read(real / "targets/mbpp.jsonl", columns={"instruction": "text", "response": "code"})) == 974
    data = read(real / "judge/llmbar/Natural.json", columns={"instruction": "input", "response": "output_1"})
    assert len(data) == 100
    columns = {"instruction": "instruction", "input": "instances.0.input", "response": "instances.0.output"}
    data = read(real / "targets/self_instruct252/user_oriented_instructions.jsonl", columns=columns)
    assert data.turns()[0][0][1].endswith("please let me know.")


@pytest.mark.parametrize(
    "name", ["targets/mbpp.jsonl", "targets/bbh-three-shot.json", "targets/tydiqa-one-shot.json"]
)
def test_files_of_no_known_shape(name, real, read):
    with pytest.raises(sl.DataError, match=r"make no known shape|expected one list of rows"):
        read(real / name)
