"""What BoAmps' JSON schemas ask of a report, in our own words: names of fields, their kinds, what must be there.

Of https://github.com/Boavizta/BoAmps/tree/main/model at commit 3bfefec (8 April 2026). Stricter in one thing: a field
that they do not name is refused, so that a slip in a name is seen.
"""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
SHARE: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1}
WHOLE: dict[str, Any] = {"type": "integer"}


def one_of(*words: str) -> dict[str, Any]:
    return {"enum": list(words)}


def object_of(required: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


def list_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": item}


HEADER = object_of(
    ("reportDatetime",),
    licensing=TEXT,
    formatVersion=TEXT,
    formatVersionSpecificationUri=TEXT,
    reportId=TEXT,
    reportDatetime={"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"},
    reportStatus=one_of("draft", "final", "corrective", "other"),
)
ALGORITHM = object_of(
    algorithmType=TEXT,
    algorithmName=TEXT,
    algorithmUri=TEXT,
    foundationModelName=TEXT,
    foundationModelUri=TEXT,
    parametersNumber=NUMBER,
    framework=TEXT,
    frameworkVersion=TEXT,
    quantization=TEXT,
)
DATASET = object_of(
    ("dataUsage", "dataType"),
    dataUsage=one_of("input", "output"),
    dataType=one_of("tabular", "audio", "boolean", "image", "video", "object", "text", "token", "word", "other"),
    dataQuantity=NUMBER,
)
TASK = object_of(
    ("taskStage", "taskFamily", "algorithms", "dataset"),
    taskStage=TEXT,
    taskFamily=TEXT,
    nbRequest=NUMBER,
    algorithms=list_of(ALGORITHM),
    dataset=list_of(DATASET),
    measuredAccuracy=SHARE,
    taskDescription=TEXT,
)
MEASURE = object_of(
    ("measurementMethod", "powerConsumption"),
    measurementMethod=TEXT,
    version=TEXT,
    cpuTrackingMode=TEXT,
    gpuTrackingMode=TEXT,
    averageUtilizationCpu=SHARE,
    averageUtilizationGpu=SHARE,
    powerConsumption=NUMBER,
    measurementDuration=NUMBER,
    measurementDateTime={"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"},
)
COMPONENT = object_of(
    ("componentType", "nbComponent"),
    componentName=TEXT,
    componentType=TEXT,
    nbComponent=WHOLE,
    memorySize=NUMBER,
    share=SHARE,
)
REPORT = object_of(
    ("task", "measures", "infrastructure"),
    header=HEADER,
    task=TASK,
    measures=list_of(MEASURE),
    system=object_of(("os",), os=TEXT, distribution=TEXT, distributionVersion=TEXT),
    software=object_of(("language",), language=TEXT, version=TEXT),
    infrastructure=object_of(
        ("infraType", "components"),
        infraType=one_of("publicCloud", "privateCloud", "onPremise", "other"),
        components=list_of(COMPONENT),
    ),
    environment=object_of(("country",), country=TEXT, powerSourceCarbonIntensity=NUMBER),
    quality=one_of("high", "medium", "low"),
)
