"""The synthesiser: flat pages to physically plausible photos of them, with exact ground truth."""

from train.synth.config import KINDS, SynthConfig
from train.synth.photo import Photos
from train.synth.synthesiser import Scene, Synthesiser

__all__ = ["KINDS", "Photos", "Scene", "SynthConfig", "Synthesiser"]
