"""A prompt-injection classifier: all-MiniLM-L6-v2's encoder, untouched, with a head fitted to public examples."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wattstar.models.packages import Entry, catalogue, package_path

version = 1
requires = ("torch", "transformers", "scikit-learn", "pyarrow")

ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
LABELS = ("benign", "injection")
EXAMPLES = {"s-labs": 2500, "neuralchemy": 1000}
"""Of each source's training split: more changes the accuracy by less than a point and takes minutes."""
TOKENS = 64
"""Examples are cut to so many tokens while fitting; nine in ten are shorter."""
BATCH = 64
SEED = 0


def convert(entry: Entry, target: Path) -> None:
    """Fit the head (a minute on two cores) and write a model that ``AutoModelForSequenceClassification`` loads as it is.

    The classifier looks at the first token through a "pooler", tanh(A·h + b). The pooler is set to standardise each
    dimension, and a logistic regression is fitted to what comes out of it.
    """
    from transformers import AutoTokenizer, BertForSequenceClassification
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    folder = package_path(catalogue()[ENCODER])
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    names = dict(enumerate(LABELS))
    model = BertForSequenceClassification.from_pretrained(
        folder, id2label=names, label2id={name: index for index, name in names.items()}, local_files_only=True
    ).eval()
    texts, labels = examples(package_path(entry))
    _set_head(model, _first_tokens(model, tokenizer, texts), labels)
    # The limit the sentence encoder was trained for, 256, is not the classifier's.
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.config.base_model = ENCODER
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def examples(corpus: Path) -> tuple[list[str], list[int]]:
    """Texts and labels (index into ``LABELS``) drawn from the training splits, the same ones each time."""
    import pyarrow.parquet

    with (corpus / "s-labs" / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = {"s-labs": [(row["text"], int(row["label"])) for row in csv.DictReader(file)]}
    table = pyarrow.parquet.read_table(corpus / "neuralchemy" / "core-train.parquet", columns=["text", "label"])
    rows["neuralchemy"] = [(row["text"], int(row["label"])) for row in table.to_pylist()]
    draw = random.Random(SEED)
    chosen = [row for source, count in EXAMPLES.items() for row in draw.sample(rows[source], count)]
    return [text for text, _ in chosen], [label for _, label in chosen]


def _first_tokens(model: Any, tokenizer: Any, texts: Sequence[str]) -> Any:
    """The encoder's output for the first token of each text, a row each."""
    import numpy
    import torch

    rows = numpy.zeros((len(texts), model.config.hidden_size), dtype=numpy.float32)
    # Texts of like length together: padding would double the work.
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    with torch.inference_mode():
        for begin in range(0, len(order), BATCH):
            chosen = order[begin : begin + BATCH]
            inputs = tokenizer(
                [texts[index] for index in chosen],
                padding=True,
                truncation=True,
                max_length=TOKENS,
                return_tensors="pt",
            )
            rows[chosen] = model.bert(**inputs).last_hidden_state[:, 0].numpy()
    return rows


def _set_head(model: Any, rows: Any, labels: Sequence[int]) -> None:
    """Write pooler and classifier: two logits, −z/2 and +z/2, whose difference is the regression's z."""
    import numpy
    import torch
    from sklearn.linear_model import LogisticRegression

    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    # The encoder has dimensions that never change; dividing by their deviation would give infinity.
    deviation[deviation < 1e-6] = 1
    regression = LogisticRegression(C=0.1, max_iter=1000, random_state=SEED)
    regression.fit(numpy.tanh((rows - mean) / deviation), labels)
    weight, bias = torch.tensor(regression.coef_[0] / 2), float(regression.intercept_[0] / 2)
    with torch.no_grad():
        model.bert.pooler.dense.weight.copy_(torch.diag(torch.from_numpy(1 / deviation)))
        model.bert.pooler.dense.bias.copy_(torch.from_numpy(-mean / deviation))
        model.classifier.weight.copy_(torch.stack([-weight, weight]))
        model.classifier.bias.copy_(torch.tensor([-bias, bias]))
