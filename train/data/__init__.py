"""Readers of training data, one file a source, and the LightningDataModules over them."""

from train.data.angle_folders import AngleFolders
from train.data.augment import Augment
from train.data.corpus import Corpus
from train.data.doc3d_set import Doc3DSet
from train.data.flat_pages import FlatPages
from train.data.hugging_face import HuggingFacePages
from train.data.module import OrientationData, UnwarpingData
from train.data.pages import Pages
from train.data.source import PageSource, Several, SeveralWarped, WarpedPage, WarpedSource
from train.data.synthetic_doc_set import SyntheticDocSet
from train.data.taught_photos import TaughtPhotos
from train.data.text_list import TextList
from train.data.uvdoc_set import UVDocSet

__all__ = [
    "AngleFolders",
    "Augment",
    "Corpus",
    "Doc3DSet",
    "FlatPages",
    "HuggingFacePages",
    "OrientationData",
    "PageSource",
    "Pages",
    "Several",
    "SeveralWarped",
    "SyntheticDocSet",
    "TaughtPhotos",
    "TextList",
    "UVDocSet",
    "UnwarpingData",
    "WarpedPage",
    "WarpedSource",
]
