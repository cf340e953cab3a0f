"""Write down what is said in a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattstar.types import Controls, Kind, Output, Phase, Quality, Sample, ZeroShot

title = "automatic speech recognition"
tag = "automatic-speech-recognition"
inputs: Mapping[str, Kind] = {"audio": Kind.AUDIO}
output = Kind.TEXT
controls = Controls(sampling_rate=16_000, audio_seconds=30.0, new_tokens=224, stops_early=True)
phases: tuple[Phase, ...] = (Phase("encode", begins="batch"), Phase("decode", begins="encoded"))
zero_shot: ZeroShot | None = None
requires: tuple[str, ...] = ("jiwer", "numpy")


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """Word error rate over all clips, after lower-casing, expanding contractions and dropping punctuation."""
    import jiwer

    usual = jiwer.Compose(
        [
            jiwer.ToLowerCase(),
            jiwer.ExpandCommonEnglishContractions(),
            jiwer.SubstituteRegexes({"[-–—]": " "}),
            jiwer.RemovePunctuation(),
            jiwer.RemoveMultipleSpaces(),
            jiwer.Strip(),
            jiwer.ReduceToListOfListOfWords(),
        ]
    )
    pairs = [(str(s.target), str(o.value)) for s, o in zip(samples, outputs, strict=True) if s.target]
    if not pairs:
        return None
    references, hypotheses = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    rate = jiwer.wer(references, hypotheses, reference_transform=usual, hypothesis_transform=usual)
    return Quality("word error rate", float(rate), higher_is_better=False, n=len(pairs))
