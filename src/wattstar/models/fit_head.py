"""A prompt-injection classifier: all-MiniLM-L6-v2 with a head, fitted to public examples."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wattstar.models.packages import Entry, catalogue, package_path

version = 2
requires = ("torch", "transformers", "pyarrow")

ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
LABELS = ("benign", "injection")
EXAMPLES = {"s-labs": 2500, "neuralchemy": 1000}
"""How many of each source's training split: more changes the accuracy by less than a point and takes minutes."""
TOKENS = 64
"""Examples are cut to so many tokens while fitting; nine in ten are shorter."""
BATCH = 32
ROUNDS = 2
RATE = 3e-4
SEED = 0


def convert(entry: Entry, target: Path) -> None:
    """Fit (a minute on two cores) and write a model that ``AutoModelForSequenceClassification`` loads as it is.

    The last of the encoder's six layers, the pooler and the new classifier are fitted; all below stays as published.
    A regression on the frozen encoder alone finds only two in three injections that are not in English.
    """
    import torch
    from transformers import AutoTokenizer, BertForSequenceClassification
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    folder = package_path(catalogue()[ENCODER])
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    names = dict(enumerate(LABELS))
    torch.manual_seed(SEED)
    model = BertForSequenceClassification.from_pretrained(
        folder, id2label=names, label2id={name: index for index, name in names.items()}, local_files_only=True
    )
    _fit(model, _batches(tokenizer, *examples(package_path(entry))))
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


def _batches(tokenizer: Any, texts: Sequence[str], labels: Sequence[int]) -> list[dict[str, Any]]:
    """Texts of like length together: padding would double the work."""
    import torch

    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    chosen = [order[begin : begin + BATCH] for begin in range(0, len(order), BATCH)]
    return [
        {
            **tokenizer(
                [texts[index] for index in rows],
                padding=True,
                truncation=True,
                max_length=TOKENS,
                return_tensors="pt",
            ),
            "labels": torch.tensor([labels[index] for index in rows]),
        }
        for rows in chosen
    ]


def _fit(model: Any, batches: list[dict[str, Any]]) -> None:
    """Train what is on top; without dropout, which two rounds over few examples do not need."""
    import torch

    model.eval().requires_grad_(False)
    top = (model.bert.encoder.layer[-1], model.bert.pooler, model.classifier)
    parameters = [parameter for module in top for parameter in module.requires_grad_(True).parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=RATE)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=RATE, total_steps=ROUNDS * len(batches))
    draw = random.Random(SEED)
    for _ in range(ROUNDS):
        for batch in draw.sample(batches, len(batches)):
            optimiser.zero_grad()
            model(**batch).loss.backward()
            optimiser.step()
            pace.step()
