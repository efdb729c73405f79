"""JPEG's losses against libjpeg's."""

import cv2
import numpy as np
import pytest
import torch

from train.synth.jpeg import jpeg
from train.synth.page import draw_page


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_loses_what_libjpeg_loses(quality: int) -> None:
    page = draw_page(3, dpi=60)[:333, :245]
    page = cv2.GaussianBlur(page, (0, 0), 0.7)
    done = cv2.imencode(".jpg", page[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    wanted = cv2.imdecode(done, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32)
    picture = torch.from_numpy(page.copy()).permute(2, 0, 1)[None].float()
    found = jpeg(picture, torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy()
    loss = np.abs(wanted - page).mean()
    assert np.abs(found - wanted).mean() < 0.25 * loss + 0.2
    assert np.abs(found - page).mean() == pytest.approx(loss, rel=0.15)
