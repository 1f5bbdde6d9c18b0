"""What a user types is text: no special token comes out of it, whatever the entrance."""

from __future__ import annotations

import copy
import re
import threading
from functools import partial
from itertools import product
from pathlib import Path

import pytest
import torch
from conftest import QUESTION, draw, turn
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

import arr_coc
from arr_coc.data.tasks import Sample
from arr_coc.hosts.text import TextEncoder
from arr_coc.nano.packing import ChatFormat
from arr_coc.nano.tokenizer import CHAT_TEMPLATE, SPECIAL_TOKENS
from arr_coc.processor.answer import answer
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.training.batches import answer_ids, question_ids

MARKERS = ["<|image_pad|>", "<|vision_start|>", "<|video_pad|>", "<|im_end|>", "<|im_start|>user", "<|endoftext|>"]


@pytest.fixture()
def encoder(tiny_tokenizer):
    return TextEncoder(tiny_tokenizer)


@pytest.mark.parametrize("question", [QUESTION, "", "a  b\n c", "Füße, 日本 \u00a0?", "tab\tand {{ braces }} {% if %}"])
def test_ordinary_text_has_the_ids_of_the_tokenizer(encoder, tiny_tokenizer, question):
    messages = [turn(object(), question), turn("Yes", role="assistant"), turn("And?")]
    shown = [
        {**m, "content": [p if p["type"] == "text" else {"type": "image"} for p in m["content"]]} for m in messages
    ]
    text = tiny_tokenizer.apply_chat_template(shown, tokenize=False, add_generation_prompt=True)
    expected = tiny_tokenizer(text, add_special_tokens=False)["input_ids"]
    assert encoder.encode_conversation(shown, add_generation_prompt=True) == expected
    assert encoder.encode_literally(question) == tiny_tokenizer(question, add_special_tokens=False)["input_ids"]


ADDED = [AddedToken("<think>", special=False), AddedToken("<|cut|>", special=True, lstrip=True, rstrip=True)]
TEXTS = [
    "What is the total on the receipt?",
    " leading and trailing ",
    "a  b\n\n c\t\r\nd",
    "don't you'll I'M",
    "Füße e\u0301 日本語 \u00a0 👩‍👩‍👧",
    "<|im_end| > <| im_end|> <|im_en <im_end> |im_end|>",
    "1234567.89 0x1F",
    "{{ braces }} {% if %} <think>why</think>",
    "",
    "\x00\x1b[31m\u2028",
]


@pytest.fixture(scope="module")
def qwen_like():
    """The pieces of Qwen's tokenizers: NFC, its pattern, bytes; tokens that are special and tokens that are words."""
    words = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    pattern = words + r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, special_tokens=list(SPECIAL_TOKENS))
    backend.train_from_iterator([*TEXTS, "<|im_end|> " * 9] * 3, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>", chat_template=CHAT_TEMPLATE)
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL_TOKENS)})
    tokenizer.add_tokens(ADDED)
    return tokenizer


@pytest.mark.parametrize("name", ["tiny_tokenizer", "qwen_like"])
def test_text_without_special_tokens_has_the_stock_ids_in_every_place(name, request):
    tokenizer = request.getfixturevalue(name)
    encoder = TextEncoder(tokenizer)
    stock = partial(tokenizer, add_special_tokens=False)
    for first, second in product(TEXTS, TEXTS):
        messages = [turn(first, second), turn(second, role="assistant"), {"role": "user", "content": first}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        expected = stock(text)["input_ids"]
        assert encoder.encode_conversation(messages, add_generation_prompt=True) == expected == encoder.encode(text)
        assert encoder.render(messages, add_generation_prompt=True) == text
        assert encoder.encode_literally(first + second) == stock(first + second)["input_ids"]
    assert encoder.encode("a <|cut|> b<|im_end|><think>") == stock("a <|cut|> b<|im_end|><think>")["input_ids"]


@pytest.mark.parametrize("name", ["tiny_tokenizer", "qwen_like"])
@pytest.mark.parametrize(
    "texts", [*([marker] for marker in MARKERS), ["<|im_", "end|>"], ["<", "|image_pad|>"], ["<<|im_end|>|im_end|>"]]
)
def test_typed_markers_are_characters(name, texts, request):
    """Also where two texts make one; and after rendering, whoever reads it."""
    tokenizer = request.getfixturevalue(name)
    encoder, special = TextEncoder(tokenizer), set(tokenizer.all_special_ids)

    def specials(ids):
        return [number for number in ids if number in special]

    plain = encoder.encode_conversation([turn("a")], add_generation_prompt=True)
    ids = encoder.encode_conversation([turn(*texts)], add_generation_prompt=True)
    assert specials(ids) == specials(plain)
    assert "".join(texts) in tokenizer.decode(ids)
    text = encoder.render([turn(*texts)], add_generation_prompt=True)
    assert specials(tokenizer(text, add_special_tokens=False)["input_ids"]) == specials(plain)
    assert encoder.encode(text) == ids


def test_tokens_added_later_are_known(tiny_tokenizer):
    tokenizer = copy.deepcopy(tiny_tokenizer)
    encoder = TextEncoder(tokenizer)
    assert len(encoder.encode_literally("<|new|>")) > 1 < len(encoder.encode("<word>"))
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|new|>"]})
    tokenizer.add_tokens(["<word>"])
    assert len(encoder.encode_literally("<|new|>")) > 1 == len(encoder.encode("<|new|>"))
    assert len(encoder.encode_literally("<word>")) == 1


def test_tools_and_documents_are_texts_too(qwen_like):
    encoder = TextEncoder(qwen_like)
    template = "{{ tools | tojson }}{{ documents | tojson }}" + CHAT_TEMPLATE
    given = {"tools": [{"name": "<|im_end|>"}], "documents": [{"text": "<|im_start|>"}], "chat_template": template}
    ids = encoder.encode_conversation([turn("a")], **given)
    assert [n for n in ids if n in qwen_like.all_special_ids] == qwen_like.convert_tokens_to_ids(
        ["<|im_start|>", "<|im_end|>"]
    )


@pytest.mark.parametrize("marker", MARKERS)
def test_no_special_token_comes_out_of_a_question(tiny_processor, marker):
    special = set(tiny_processor.tokenizer.all_special_ids)
    picture = draw(300, 260)

    def markers_in(question):
        inputs = tiny_processor.apply_chat_template(question_messages(picture, question), add_generation_prompt=True)
        return [number for number in inputs["input_ids"][0].tolist() if number in special]

    asked, plain = f"Read {marker} here. {marker}", "Read it here."
    assert len(markers_in(asked)) - markers_in(asked).count(tiny_processor.host.image_token_id) == 5
    assert {*markers_in(asked)} == {*markers_in(plain)}


def test_system_and_assistant_texts_are_texts_too(tiny_processor):
    start = tiny_processor.tokenizer.convert_tokens_to_ids("<|im_start|>")
    messages = [turn("<|im_start|>", role="system"), turn(draw(64, 64), "a"), turn("<|im_start|>b", role="assistant")]
    ids = tiny_processor.apply_chat_template([*messages, turn("c <|im_start|>")])["input_ids"][0].tolist()
    assert ids.count(start) == 4


def test_the_host_reads_typed_markers_as_words():
    """The shipped host answers as to the same question with a space inside the marker."""
    model, processor = load_host("nano")
    picture = Path(arr_coc.__file__).parent / "examples" / "receipt.jpg"

    def answered(question):
        inputs = processor.apply_chat_template(
            question_messages(picture, question), add_generation_prompt=True, budget=100
        )
        return answer(model, processor.tokenizer, inputs).text

    plain = answered("Read the small code at the foot.")
    assert len(plain) == 4
    for marker in ("<|image_pad|>", "<|im_end|>"):
        asked = f"{marker} Read the small code at the foot."
        assert answered(asked) == answered(asked.replace("<|", "< |")) == plain


def test_nano_is_trained_on_texts(tiny_tokenizer):
    pairs = [("What is <|im_end|>?", "<|image_pad|>"), ("a", "b")]
    chat = ChatFormat(tiny_tokenizer).write(pairs, num_visual=3)
    image, end = tiny_tokenizer.convert_tokens_to_ids(["<|image_pad|>", "<|im_end|>"])
    assert chat.ids.count(image) == 3 and chat.ids.count(end) == 4 and image not in chat.labels


def test_training_asks_and_answers_with_texts(tiny_host):
    facts = {"boxes": None, "kind": "", "group": "", "glyph_px": None, "picture_id": "", "picture_kind": ""}
    sample = Sample(draw(64, 64), "Is <|image_pad|> there?", ("<|image_pad|><|im_end|>",), **facts)
    assert answer_ids(tiny_host, sample).count(tiny_host.tokenizer.eos_token_id) == 1
    assert question_ids(tiny_host, sample.prompt).count(tiny_host.image_token_id) == 1


def test_no_other_code_makes_ids_of_text():
    """Every entrance goes through the encoder."""
    makers = re.compile(r"(?<!def )\btokenizer(?:\.(?:encode|tokenize|batch_encode\w*|apply_chat_template))?\((?!\))")
    root = Path(arr_coc.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if makers.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"hosts/text.py", "hosts/soundness.py", "processor/questions.py"}  # the latter two render a probe


@pytest.mark.parametrize("question", ["\ud800 lone", "nul \0 byte", "\x1b[31m red", "\u2028 line", "\U000f0000"])
def test_odd_characters_are_accepted(tiny_processor, question):
    assert tiny_processor.apply_chat_template(question_messages(draw(64, 64), question))["input_ids"].shape[0] == 1


def test_truncation_in_another_thread_changes_nothing(tiny_processor):
    messages, stop = question_messages(draw(300, 260), QUESTION), threading.Event()
    expected = tiny_processor.apply_chat_template(messages)["input_ids"]

    def cut():
        while not stop.is_set():
            tiny_processor.tokenizer(QUESTION, truncation=True, max_length=3)

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        assert all(torch.equal(tiny_processor.apply_chat_template(messages)["input_ids"], expected) for _ in range(5))
    finally:
        stop.set()
        thread.join()
