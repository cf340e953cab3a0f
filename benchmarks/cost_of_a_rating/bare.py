"""A loop as one writes it by hand: load, tokenise, and then nothing but the model, one sample after another.

python bare.py SPECIFICATION.json; runs where wattstar or where optimum-benchmark runs and imports neither. Says a JSON
object a line; hears on standard input ``pass`` (all samples once) or ``serve SECONDS`` (on from where it stopped).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Predict = Callable[[Any], Any]


def main() -> None:
    """Load and obey."""
    specification = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    import torch

    with torch.inference_mode():
        predict, batches, tokens = LOADERS[specification["work"]](specification)
        say({"ready": True, "threads": torch.get_num_threads(), "tokens": tokens})
        place = 0
        for line in sys.stdin:
            word, _, argument = line.strip().partition(" ")
            if word == "pass":
                say(whole(predict, batches))
            else:
                stamps = serve(predict, batches, place, float(argument))
                place += len(stamps)
                say({"stamps": stamps})


def whole(predict: Predict, batches: Sequence[Any]) -> dict[str, Any]:
    """One pass over all samples."""
    used, began = time.process_time(), time.monotonic_ns()
    for batch in batches:
        predict(batch)
    return {"began": began, "seconds": (time.monotonic_ns() - began) / 1e9, "cpu": time.process_time() - used}


def serve(predict: Predict, batches: Sequence[Any], place: int, seconds: float) -> list[tuple[int, int, int]]:
    """For so long: (sample, begin, end) of each, nanoseconds of CLOCK_MONOTONIC."""
    stamps = []
    now = time.monotonic_ns
    until = now() + round(seconds * 1e9)
    ended = 0
    while ended < until:
        sample = place % len(batches)
        began = now()
        predict(batches[sample])
        ended = now()
        stamps.append((sample, began, ended))
        place += 1
    return stamps


def similarity(specification: dict[str, Any]) -> tuple[Predict, list[Any], int]:
    """Cosine of two embeddings, each sentence a row of its own; or, ``together``, one forward of both as one text."""
    from torch.nn.functional import normalize
    from transformers import AutoModel

    model, tokenizer = load(specification, AutoModel)
    pairs = [(row["sentence1"], row["sentence2"]) for row in specification["rows"]]
    if specification["together"]:
        encoded = [tokenizer(*pair, return_tensors="pt") for pair in pairs]
        return lambda batch: model(**batch), encoded, count(encoded)

    def predict(batch: Any) -> Any:
        hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        first, second = normalize((hidden * mask).sum(dim=1) / mask.sum(dim=1), dim=-1)
        return (first * second).sum()

    encoded = [tokenizer(list(pair), padding=True, return_tensors="pt") for pair in pairs]
    return predict, encoded, count(encoded)


def classification(specification: dict[str, Any]) -> tuple[Predict, list[Any], int]:
    """The logits of each text."""
    from transformers import AutoModelForSequenceClassification

    model, tokenizer = load(specification, AutoModelForSequenceClassification)
    encoded = [tokenizer(row["text"], return_tensors="pt") for row in specification["rows"]]
    return lambda batch: model(**batch).logits, encoded, count(encoded)


def generation(specification: dict[str, Any]) -> tuple[Predict, list[Any], int]:
    """Greedy new tokens, exactly so many, after the prompt in the model's chat template."""
    from transformers import AutoModelForCausalLM

    model, tokenizer = load(specification, AutoModelForCausalLM)
    chats = [[{"role": "user", "content": row["prompt"]}] for row in specification["rows"]]
    texts = [tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) for chat in chats]
    encoded = [tokenizer(text, add_special_tokens=False, return_tensors="pt") for text in texts]
    for batch in encoded:
        batch.pop("token_type_ids", None)
    new = {"min_new_tokens": specification["new_tokens"], "max_new_tokens": specification["new_tokens"]}
    end = tokenizer.eos_token_id
    return lambda batch: model.generate(**batch, **new, do_sample=False, pad_token_id=end), encoded, count(encoded)


LOADERS = {"similarity": similarity, "classification": classification, "generation": generation}


def load(specification: dict[str, Any], auto: Any) -> tuple[Any, Any]:
    """Model and tokenizer."""
    from transformers import AutoTokenizer

    folder = specification["folder"]
    return auto.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


def count(encoded: Sequence[Any]) -> int:
    """Tokens that are read in one pass, without padding."""
    return sum(int(batch["attention_mask"].sum()) for batch in encoded)


def say(content: dict[str, Any]) -> None:
    """One line."""
    print(json.dumps(content), flush=True)


if __name__ == "__main__":
    main()
