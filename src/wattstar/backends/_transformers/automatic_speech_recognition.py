"""What is said in a clip."""

from __future__ import annotations

from wattstar.backends._transformers import speech_ctc, speech_seq2seq
from wattstar.backends._transformers.loading import configuration
from wattstar.errors import ModelUnavailable
from wattstar.types import Controls, ModelSpec, Session, Task, Weights


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load a Whisper, which writes token after token, or an encoder whose every frame names a letter (CTC)."""
    config = configuration(spec)
    if config.model_type == "whisper":
        return speech_seq2seq.serve(spec, task, controls)
    heads = config.architectures or ()
    if spec.weights is Weights.RANDOM or any(str(head).endswith("ForCTC") for head in heads):
        return speech_ctc.serve(spec, task, controls)
    named = ", ".join(map(str, heads)) or f"a {config.model_type}"
    raise ModelUnavailable(
        f"{spec.id} is {named}, which is not served for speech recognition.", ["choose a Whisper or a model ForCTC"]
    )
