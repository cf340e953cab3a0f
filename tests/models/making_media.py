"""Tiny real models that see or hear, written to disk in a moment, with the files that models of the Hub have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.models.making import WORDS

TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


def tiny_vit(folder: Path, names: list[str] | int, size: int = 32) -> Path:
    """An image classifier that wants squares."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    _seed()
    config = ViTConfig(**TINY, image_size=size, patch_size=8, **_labels(names))
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": size, "width": size}).save_pretrained(folder)
    return folder


def tiny_resnet(folder: Path) -> Path:
    """An image classifier whose processor scales the shorter side, then cuts the middle out."""
    from transformers import CLIPImageProcessorPil, ResNetConfig, ResNetForImageClassification

    _seed()
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=7)
    ResNetForImageClassification(config).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 40}, crop_size=32).save_pretrained(folder)
    return folder


DETECTED = ["cat", "dog", "sofa"]


def tiny_detr(folder: Path) -> Path:
    """A detector: convolutions, then a transformer with twelve queries."""
    from transformers import DetrConfig, DetrForObjectDetection, DetrImageProcessorPil, ResNetConfig

    _seed()
    backbone = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", out_features=["stage2"]
    )
    config = DetrConfig(
        backbone_config=backbone,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_queries=12,
        **_labels(DETECTED),
    )
    DetrForObjectDetection(config).save_pretrained(folder)
    DetrImageProcessorPil().save_pretrained(folder)
    return folder


def tiny_yolos(folder: Path) -> Path:
    """A detector that reads patches of 16 pixels and knows no masks."""
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessorPil

    _seed()
    config = YolosConfig(
        **TINY,
        image_size=[64, 96],
        num_detection_tokens=12,
        use_mid_position_embeddings=False,
        **_labels(DETECTED),
    )
    YolosForObjectDetection(config).save_pretrained(folder)
    YolosImageProcessorPil().save_pretrained(folder)
    return folder


def tiny_blip(folder: Path) -> Path:
    """A captioner that ends its texts with the separator."""
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessorPil

    _seed()
    text = {
        **TINY,
        "vocab_size": len(WORDS),
        "encoder_hidden_size": 16,
        "bos_token_id": WORDS.index("[CLS]"),
        "sep_token_id": WORDS.index("[SEP]"),
        "eos_token_id": WORDS.index("[SEP]"),
        "pad_token_id": 0,
        "max_position_embeddings": 64,
    }
    vision = {**TINY, "image_size": 32, "patch_size": 16, "initializer_range": 0.02}
    BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
    BlipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return words(folder)


def tiny_git(folder: Path) -> Path:
    """A captioner that reads the image as tokens before its own."""
    from transformers import CLIPImageProcessorPil, GitConfig, GitForCausalLM

    _seed()
    vision = {**TINY, "image_size": 32, "patch_size": 16}
    tokens = {"bos_token_id": WORDS.index("[CLS]"), "eos_token_id": WORDS.index("[SEP]"), "pad_token_id": 0}
    config = GitConfig(**TINY, vision_config=vision, vocab_size=len(WORDS), max_position_embeddings=64, **tokens)
    GitForCausalLM(config).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=32).save_pretrained(folder)
    return words(folder)


def tiny_vision_encoder_decoder(folder: Path) -> Path:
    """A captioner of two halves: ViT and GPT-2."""
    from transformers import (
        GPT2Config,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTImageProcessorPil,
    )

    _seed()
    end = WORDS.index("[SEP]")
    decoder = GPT2Config(vocab_size=len(WORDS), n_positions=64, n_embd=16, n_layer=1, n_head=2, eos_token_id=end)
    encoder = ViTConfig(**TINY, image_size=32, patch_size=16)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        encoder, decoder, decoder_start_token_id=end, eos_token_id=end, pad_token_id=0
    )
    VisionEncoderDecoderModel(config=config).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return words(folder)


TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %} [SEP]{% endif %}"
)


def tiny_llava(folder: Path) -> Path:
    """A model that chats about images of 32 pixels, four tokens each."""
    from transformers import (
        BertTokenizer,
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    _seed()
    known = [*WORDS, "<image>"]
    text = LlamaConfig(**TINY, vocab_size=len(known), max_position_embeddings=128, eos_token_id=3, pad_token_id=0)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**TINY, image_size=32, patch_size=16),
        text_config=text,
        image_token_id=known.index("<image>"),
        vision_feature_layer=-1,
        eos_token_id=3,
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    tokenizer = BertTokenizer(
        vocab={word: index for index, word in enumerate(known)}, extra_special_tokens={"image_token": "<image>"}
    )
    LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=32),
        tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    ).save_pretrained(folder)
    return folder


def tiny_whisper(folder: Path, **generation: Any) -> Path:
    """A Whisper of one layer a half; ``generation`` is laid over its generation settings."""
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    _seed()
    config = WhisperConfig(
        vocab_size=len(WORDS),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        decoder_start_token_id=2,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    network = WhisperForConditionalGeneration(config)
    network.generation_config = GenerationConfig(
        **{"decoder_start_token_id": 2, "eos_token_id": 3, "pad_token_id": 0, **generation}
    )
    network.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return words(folder)


LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefgh"]


def tiny_wav2vec2(folder: Path, norm: str, sampling_rate: int = 16_000) -> Path:
    """A CTC encoder; ``norm`` as in published models: ``group`` hears padding, ``layer`` takes masks."""
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    _seed()
    config = Wav2Vec2Config(
        **TINY,
        vocab_size=len(LETTERS),
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        feat_extract_norm=norm,
        do_stable_layer_norm=norm == "layer",
        conv_bias=norm == "layer",
        initializer_range=1.0,
    )
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(sampling_rate=sampling_rate, return_attention_mask=norm == "layer").save_pretrained(folder)
    path = folder / "letters.json"
    path.write_text(json.dumps({letter: index for index, letter in enumerate(LETTERS)}))
    Wav2Vec2CTCTokenizer(str(path)).save_pretrained(folder)
    path.unlink()
    return folder


def words(folder: Path) -> Path:
    """Beside the network, a tokenizer of a few words."""
    from transformers import BertTokenizer

    BertTokenizer(vocab={word: index for index, word in enumerate(WORDS)}).save_pretrained(folder)
    return folder


def _seed() -> None:
    import torch

    torch.manual_seed(0)


def _labels(names: list[str] | int) -> Mapping[str, Any]:
    if isinstance(names, int):
        return {"num_labels": names}
    return {"id2label": dict(enumerate(names)), "label2id": {name: index for index, name in enumerate(names)}}
