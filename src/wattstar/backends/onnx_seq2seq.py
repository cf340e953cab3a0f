"""An encoder and a decoder on ONNX Runtime: T5's family from a Python package, greedily, on the processor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from wattstar.errors import ModelUnavailable
from wattstar.models import files
from wattstar.models.folders import read_json
from wattstar.registry import require
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

requires: tuple[str, ...] = ("onnxruntime", "tokenizers", "numpy")

PADDING, END = "<pad>", "</s>"
"""T5's; what it writes begins with padding."""

MOST_TOKENS = 60
"""Written at most, where no control says how many."""


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Say why the model cannot be served for the task, or None."""
    if task.tag != "summarization":
        return f"serves summarization, not {task.tag}"
    if model.format != "onnx-seq2seq":
        return f"reads files of format onnx-seq2seq, not {model.format}"
    if model.dtype != "float32":
        return f"computes as its files say, not in {model.dtype}"
    if model.device != "cpu":
        return f"runs on the processor, not on {model.device}"
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Load both networks; ``predict`` marks ``first_token``.

    The decoder keeps no cache: each step reads all that was written before once more, as the files are made. They round
    values to 8 bits by the largest of the whole batch, so that a text's answer may change a little with its neighbours.
    """
    require("The onnx-seq2seq backend", requires)
    writer = _load(model, controls)
    yield Session(writer.prepare, writer.predict, writer.finish, None)


@dataclass(frozen=True)
class _Texts:
    """Texts as token ids (texts, tokens) of int64, padded on the right; the mask is 1 where there is a token."""

    ids: Any
    mask: Any


@dataclass(frozen=True)
class _Writer:
    """Both networks, and how they are to be used."""

    encoder: Any
    decoder: Any
    tokenizer: Any
    controls: Controls

    def prepare(self, samples: Sequence[Sample]) -> list[Batch]:
        size = self.controls.batch_size
        groups = [tuple(samples[begin : begin + size]) for begin in range(0, len(samples), size)]
        return [Batch(group, self._texts([sample.input["text"] for sample in group])) for group in groups]

    def predict(self, batch: Batch, mark: MarkFunction) -> Any:
        """Token ids (texts, tokens written), padded once a text has ended."""
        import numpy

        texts = batch.data
        hidden = self.encoder.run(None, {"input_ids": texts.ids, "attention_mask": texts.mask})[0]
        written = numpy.full((len(texts.ids), 1), self._id(PADDING))
        ended = numpy.zeros(len(texts.ids), dtype=bool)
        for step in range(self.controls.new_tokens or MOST_TOKENS):
            next_ids = self._next(written, hidden, texts.mask)
            next_ids[ended] = self._id(PADDING)
            written = numpy.concatenate([written, next_ids[:, None]], axis=1)
            if not step:
                mark("first_token")
            ended |= next_ids == self._id(END)
            if ended.all():
                break
        return written[:, 1:]

    def finish(self, batch: Batch, raw: Any) -> list[Output]:
        return [
            Output(
                self.tokenizer.decode(row, skip_special_tokens=True).strip(),
                {"tokens_in": int(mask.sum()), "tokens_out": self._length(row)},
            )
            for row, mask in zip(raw.tolist(), batch.data.mask, strict=True)
        ]

    def _texts(self, texts: Sequence[str]) -> _Texts:
        import numpy

        found = self.tokenizer.encode_batch(list(texts))
        return _Texts(
            numpy.array([text.ids for text in found], dtype=numpy.int64),
            numpy.array([text.attention_mask for text in found], dtype=numpy.int64),
        )

    def _next(self, written: Any, hidden: Any, mask: Any) -> Any:
        """The likeliest token of each text; never the end, where a number of tokens is to be written."""
        given = {"input_ids": written, "encoder_attention_mask": mask, "encoder_hidden_states": hidden}
        scores = self.decoder.run(None, given)[0][:, -1]
        if not self.controls.stops_early:
            scores[:, self._id(END)] = float("-inf")
        return scores.argmax(axis=-1)

    def _id(self, token: str) -> int:
        return int(self.tokenizer.token_to_id(token))

    def _length(self, row: Sequence[int]) -> int:
        """Of what a text was given: up to and with its end."""
        end = self._id(END)
        return row.index(end) + 1 if end in row else len(row)


def _load(model: ModelSpec, controls: Controls) -> _Writer:
    from onnxruntime import InferenceSession
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidProtobuf, NoSuchFile
    from tokenizers import Tokenizer

    folder = files(model)
    try:
        encoder, decoder = (
            InferenceSession(folder / name, providers=["CPUExecutionProvider"])
            for name in ("encoder.onnx", "decoder.onnx")
        )
    except (Fail, InvalidProtobuf, NoSuchFile, OSError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ModelUnavailable(f"{model.id} cannot be loaded: {first}", ["install the package again"]) from error
    read_json(folder / "tokenizer.json")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(PADDING), pad_token=PADDING)
    tokenizer.no_truncation()
    if controls.input_tokens is not None:
        tokenizer.enable_truncation(controls.input_tokens)
    return _Writer(encoder, decoder, tokenizer, controls)
