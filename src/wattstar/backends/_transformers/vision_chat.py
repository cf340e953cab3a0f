"""What an image shows, in words: by asking a model that chats about images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattstar.backends._transformers.generating import Writer, generate, settings, written
from wattstar.backends._transformers.loading import Network, batches, load, readable
from wattstar.errors import ModelUnavailable, UsageError
from wattstar.types import Batch, Controls, Kind, MarkFunction, ModelSpec, Output, Sample, Session, Task, Weights


@dataclass(frozen=True)
class Questions:
    """A batch of images with their questions, on the device."""

    inputs: Mapping[str, Any]
    """Tensors by the name of the network's argument."""
    lengths: tuple[int, ...]
    """Tokens of each question, with those that stand for its image; padding is not counted."""


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the model and its chat template; ``predict`` marks ``first_token`` as for text."""
    chat = task.zero_shot
    if chat is None or spec.weights is Weights.RANDOM:
        what = f"asks nothing for {task.tag}" if chat is None else "has no processor for random weights"
        raise UsageError(f"Chat about images {what}.", ["choose a model with its own files"])
    if controls.thinking not in (None, "off"):
        raise UsageError(f"Models that chat about images are not told to think here ({controls.thinking!r}).",
                         ["leave --control thinking out"])  # fmt: skip
    network = load(spec, controls, "AutoModelForImageTextToText")
    processor = _processor(spec, network)
    writer = Writer(network, processor.tokenizer, controls)
    chosen = settings(writer)
    field = next(name for name, kind in task.inputs.items() if kind is Kind.IMAGE)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [Batch(group, questions(group)) for group in batches(samples, controls.batch_size)]

    def questions(samples: Sequence[Sample]) -> Questions:
        texts = [_wrapped(processor, chat.ask(sample.input)) for sample in samples]
        images = [[sample.input[field]] for sample in samples]
        found = processor(text=texts, images=images, padding=True, return_tensors="pt")
        lengths = tuple(int(n) for n in found["attention_mask"].sum(dim=1))
        return Questions({name: _on_device(tensor, network) for name, tensor in found.items()}, lengths)

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        return generate(network, batch.data.inputs, chosen, mark)

    def finish(batch: Batch, raw: Any) -> list[Output]:
        answers = written(writer, chosen, raw)
        words = [processor.tokenizer.decode(answer, skip_special_tokens=True) for answer in answers]
        return [
            Output(chat.read(said, sample.input), {"images": 1, "tokens_in": asked, "tokens_out": len(answer)})
            for sample, said, asked, answer in zip(batch.samples, words, batch.data.lengths, answers, strict=True)
        ]

    return Session(prepare, predict, finish, network.parameters)


def _processor(spec: ModelSpec, network: Network) -> Any:
    """The model's own; with padding on the left all questions of a batch end where the new tokens begin."""
    from transformers import AutoProcessor

    assert network.folder is not None
    with readable(spec, network.folder):
        processor = AutoProcessor.from_pretrained(
            network.folder, trust_remote_code=spec.trust_remote_code, local_files_only=True
        )
    if not getattr(processor, "chat_template", None):
        raise ModelUnavailable(f"{spec.id} has no chat template: it cannot be asked.", ["choose a model that chats"])
    processor.tokenizer.padding_side = "left"
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    return processor


def _wrapped(processor: Any, question: str) -> str:
    content = [{"type": "image"}, {"type": "text", "text": question}]
    messages = [{"role": "user", "content": content}]
    return str(processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))


def _on_device(tensor: Any, network: Network) -> Any:
    dtype = network.module.dtype if tensor.is_floating_point() else tensor.dtype
    return tensor.to(device=network.device, dtype=dtype)
