"""Where in a text the answer to a question stands, or that it does not: a score for each token to begin and to end it.

A text longer than the limit is read in windows that overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wattstar.backends._transformers.loading import Network, batches, load, load_tokenizer
from wattstar.backends._transformers.texts import Tokens, cut, longest, on_device
from wattstar.errors import ModelUnavailable, UsageError
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

QUESTION_TOKENS = 64
"""Longer questions are cut, as in the reference script (google-research/bert, run_squad.py, max_query_length)."""


@dataclass(frozen=True)
class Reading:
    """How questions and contexts become windows."""

    network: Network
    tokenizer: Any
    limit: int | None
    """Tokens of a window: question, part of the context and what separates them."""
    stride: int
    question: int | None
    """Tokens of a question, at most."""


@dataclass(frozen=True)
class Span:
    """A part of a window's context; compared by its score."""

    score: float
    begin: int
    """In characters of the context."""
    end: int


@dataclass(frozen=True)
class Windows:
    """The windows of all samples of a batch, in one padded batch of tokens."""

    tokens: Tokens
    owners: tuple[int, ...]
    """Which sample of the batch a window belongs to."""
    contexts: tuple[tuple[int, ...], ...]
    """Columns of a window where its part of the context stands."""
    offsets: tuple[tuple[tuple[int, int], ...], ...]
    """First and behind the last character in the context, for each of these columns."""
    nulls: tuple[int | None, ...]
    """The column whose scores say that there is no answer, where the model has one."""


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the reader."""
    most = controls.new_tokens
    if most is None:
        raise UsageError("Extractive question answering needs to know how long an answer may be.", ["--new-tokens 30"])
    network = load(spec, controls, "AutoModelForQuestionAnswering")
    tokenizer = load_tokenizer(spec, network)
    if not tokenizer.is_fast:
        message = f"The tokenizer of {spec.id} does not say which characters a token stands for."
        raise ModelUnavailable(message, ["choose a model that comes with a tokenizer.json"])
    reading = _reading(network, tokenizer, controls)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [Batch(group, windows(reading, group)) for group in batches(samples, controls.batch_size)]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        scores = network.module(**batch.data.tokens.inputs)
        network.synchronise()
        return scores.start_logits, scores.end_logits

    def finish(batch: Batch, raw: Any) -> list[Output]:
        begins, ends = (scores.float().cpu() for scores in raw)
        return [
            Output(_answer(index, sample, batch.data, (begins, ends), most), _counts(index, batch.data))
            for index, sample in enumerate(batch.samples)
        ]

    return Session(prepare, predict, finish, network.parameters)


def windows(reading: Reading, samples: Sequence[Sample]) -> Windows:
    """Tokenise a batch of questions with their contexts; only a context is ever divided."""
    tokenizer = reading.tokenizer
    questions = [sample.input["question"].strip() for sample in samples]
    if reading.question is not None:
        questions = [cut(tokenizer, question, reading.question) for question in questions]
    contexts = [sample.input["context"] for sample in samples]
    # Models that pad on the left (XLNet) are trained with the question last.
    second = tokenizer.padding_side == "right"
    encoded = tokenizer(
        *((questions, contexts) if second else (contexts, questions)),
        padding=True,
        truncation=False if reading.limit is None else ("only_second" if second else "only_first"),
        max_length=reading.limit,
        stride=reading.stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    ids, places = encoded["input_ids"].tolist(), encoded["offset_mapping"].tolist()
    columns = [_columns(encoded.sequence_ids(row), int(second)) for row in range(len(ids))]
    return Windows(
        tokens=on_device(reading.network, encoded),
        owners=tuple(encoded["overflow_to_sample_mapping"].tolist()),
        contexts=tuple(columns),
        offsets=tuple(
            tuple((row[column][0], row[column][1]) for column in chosen)
            for row, chosen in zip(places, columns, strict=True)
        ),
        nulls=tuple(row.index(tokenizer.cls_token_id) if tokenizer.cls_token_id in row else None for row in ids),
    )


def _reading(network: Network, tokenizer: Any, controls: Controls) -> Reading:
    limit, stride = longest(network, tokenizer, controls.input_tokens), controls.stride or 0
    if limit is None:
        return Reading(network, tokenizer, None, 0, None)
    question = min(QUESTION_TOKENS, limit // 4)
    left = limit - question - tokenizer.num_special_tokens_to_add(pair=True)
    if stride >= left:
        message = (
            f"Windows of {limit} tokens, of which {limit - left} may be the question's, cannot overlap by {stride}."
        )
        raise UsageError(
            message, [f"a stride of at most {max(0, left - 1)}", "more input tokens, if the model has them"]
        )
    return Reading(network, tokenizer, limit, stride, question)


def _columns(owners: Sequence[int | None], context: int) -> tuple[int, ...]:
    return tuple(column for column, owner in enumerate(owners) if owner == context)


def _answer(index: int, sample: Sample, read: Windows, scores: tuple[Any, Any], most: int) -> str:
    """The best span of all windows, or nothing where even the window that doubts least says there is no answer.

    So does SQuAD 2.0's reference (run_squad.py), with a threshold of 0: a window without the answer rightly says that
    there is none, so only the least of these scores tells of the whole text.
    """
    begins, ends = scores
    rows = [row for row, owner in enumerate(read.owners) if owner == index]
    spans = [_best(begins[row], ends[row], read.contexts[row], read.offsets[row], most) for row in rows]
    found = max((span for span in spans if span is not None), key=lambda span: span.score, default=None)
    nulls = [float(begins[row][null] + ends[row][null]) for row in rows if (null := read.nulls[row]) is not None]
    if found is None or (nulls and min(nulls) > found.score):
        return ""
    return str(sample.input["context"][found.begin : found.end]).strip()


def _best(begins: Any, ends: Any, columns: Sequence[int], offsets: Sequence[tuple[int, int]], most: int) -> Span | None:
    """The span of a window's context of at most so many tokens whose two ends score highest together."""
    import torch

    if not columns:
        return None
    first, second = begins[list(columns)], ends[list(columns)]
    allowed = torch.ones(len(columns), len(columns), dtype=torch.bool).triu().tril(most - 1)
    sums = (first.unsqueeze(1) + second.unsqueeze(0)).masked_fill(~allowed, float("-inf"))
    place = int(sums.argmax())
    begin, end = divmod(place, len(columns))
    return Span(float(sums[begin, end]), offsets[begin][0], offsets[end][1])


def _counts(index: int, read: Windows) -> dict[str, int]:
    lengths = [length for length, owner in zip(read.tokens.lengths, read.owners, strict=True) if owner == index]
    return {"tokens_in": sum(lengths), "windows": len(lengths)}
