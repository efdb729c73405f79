"""Each reader reads its layout, and names what is missing or malformed."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import zipfile

import cv2
import numpy as np
import pymupdf
import pytest

from docpre.errors import ConfigError, InputError
from tests.train.drawing import draw_text_page, smooth_grid_px
from train.data import (
    AngleFolders,
    Doc3DSet,
    FlatPages,
    HuggingFacePages,
    Pages,
    Several,
    SeveralWarped,
    SyntheticDocSet,
    TextList,
    UVDocSet,
)
from train.data.augment import is_mirrored
from train.data.flat_pages import mesh_from_xyz
from train.data.split import split_by_document
from train.data.synthetic_doc_set import checked_map


def write_pdf(path, pages=3):
    document = pymupdf.open()
    for number in range(pages):
        document.new_page(width=200, height=280).insert_text((30, 60), f"Page {number}")
    document.save(path)


class TestPages:
    def test_pictures_and_pdf_pages(self, tmp_path):
        cv2.imwrite(str(tmp_path / "a.png"), draw_text_page(0))
        write_pdf(tmp_path / "b.pdf")
        pages = Pages(tmp_path, dpi=72)
        assert len(pages) == 4
        assert pages.read(0).shape == (240, 180, 3)
        assert pages.read(3).shape == (280, 200, 3)
        assert len(set(pages.documents)) == 2
        assert set(pages.angles_cw_deg) == {0}

    def test_folder_as_document(self, tmp_path):
        for name in ("x/1.png", "x/2.png", "y/1.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / name), draw_text_page(0))
        assert len(set(Pages(tmp_path, document="folder").documents)) == 2
        assert len(set(Pages(tmp_path).documents)) == 3

    def test_missing_empty_and_broken(self, tmp_path):
        with pytest.raises(InputError, match="no such folder"):
            Pages(tmp_path / "none")
        with pytest.raises(InputError, match="no pages in it"):
            Pages(tmp_path)
        (tmp_path / "bad.png").write_bytes(b"not a picture")
        with pytest.raises(InputError, match=r"bad\.png"):
            Pages(tmp_path).read(0)


class TestAngleFolders:
    def test_reads_labels(self, tmp_path):
        for angle in (0, 90, 270):
            (tmp_path / str(angle)).mkdir()
            cv2.imwrite(str(tmp_path / str(angle) / "p.png"), np.rot90(draw_text_page(0), -angle // 90))
        pages = AngleFolders(tmp_path)
        assert sorted(pages.angles_cw_deg) == [0, 90, 270]
        assert len(set(pages.documents)) == 1  # one page, turned
        assert pages.read(pages.angles_cw_deg.index(90)).shape == (180, 240, 3)

    def test_refuses_other_folders(self, tmp_path):
        (tmp_path / "45").mkdir()
        with pytest.raises(InputError, match="it has 45"):
            AngleFolders(tmp_path)


class TestTextList:
    def make(self, root, lines, labels="0 0\n1 90\n2 180\n3 270\n"):
        (root / "images").mkdir(exist_ok=True)
        cv2.imwrite(str(root / "images" / "with space.png"), draw_text_page(0))
        (root / "train.txt").write_text(lines)
        if labels:
            (root / "label.txt").write_text(labels)

    def test_reads(self, tmp_path):
        self.make(tmp_path, "images/with space.png 3\n\nimages/with space.png 0\n")
        pages = TextList(tmp_path)
        assert pages.angles_cw_deg == [270, 0]
        assert pages.read(1).shape == (240, 180, 3)

    def test_labels_in_another_order(self, tmp_path):
        self.make(tmp_path, "images/with space.png a\n", "a 180\n")
        assert TextList(tmp_path).angles_cw_deg == [180]

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ("images/with space.png 7\n", "line 1.*one of 0, 1, 2, 3"),
            ("images/with space.png 0\nimages/gone.png 1\n", "line 2: there is no picture"),
            ("\n", "names no pictures"),
        ],
    )
    def test_malformed(self, tmp_path, lines, message):
        self.make(tmp_path, lines)
        with pytest.raises(InputError, match=message):
            TextList(tmp_path)

    def test_missing_list_and_bad_labels(self, tmp_path):
        with pytest.raises(InputError, match="can't be read"):
            TextList(tmp_path, "val.txt")
        self.make(tmp_path, "images/with space.png 0\n", "0 45\n")
        with pytest.raises(InputError, match=r"label\.txt, line 1"):
            TextList(tmp_path)


def encoded(number):
    return cv2.imencode(".png", draw_text_page(number))[1].tobytes()


class TestHuggingFace:
    @pytest.fixture(autouse=True)
    def _offline(self, monkeypatch):
        pytest.importorskip("datasets")
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def parquet(self, folder, labels):
        datasets = pytest.importorskip("datasets")
        rows = {"image": [{"bytes": encoded(i), "path": None} for i in range(len(labels))], "angle": labels}
        rows["book"] = [f"b{i // 2}" for i in range(len(labels))]
        features = datasets.Features(
            {"image": datasets.Image(), "angle": datasets.Value("int64"), "book": datasets.Value("string")}
        )
        path = folder / "pages.parquet"
        datasets.Dataset.from_dict(rows, features=features).to_parquet(str(path))
        return path

    def test_parquet(self, tmp_path):
        path = self.parquet(tmp_path, [0, 90, 180])
        pages = HuggingFacePages(str(path), label_column="angle", document_column="book", cache_dir=str(tmp_path))
        assert pages.angles_cw_deg == [0, 90, 180]
        assert pages.documents == ["b0", "b0", "b1"]
        assert np.array_equal(pages.read(1), draw_text_page(1)[..., ::-1])

    def test_labels_are_declared(self, tmp_path):
        path = self.parquet(tmp_path, [0, 3])
        index = HuggingFacePages(str(path), label_column="angle", labels="index", cache_dir=str(tmp_path))
        assert index.angles_cw_deg == [0, 270]
        with pytest.raises(InputError, match="row 1: the label is 3"):
            HuggingFacePages(str(path), label_column="angle", cache_dir=str(tmp_path))

    def test_missing_column(self, tmp_path):
        path = self.parquet(tmp_path, [0])
        with pytest.raises(ConfigError, match="has no column 'picture'"):
            HuggingFacePages(str(path), image_column="picture", cache_dir=str(tmp_path))

    def test_webdataset(self, tmp_path):
        path = tmp_path / "pages.tar"
        with tarfile.open(path, "w") as tar:
            for number, angle in enumerate((0, 180)):
                for suffix, raw in (("png", encoded(number)), ("cls", str(angle).encode())):
                    info = tarfile.TarInfo(f"{number:04d}.{suffix}")
                    info.size = len(raw)
                    tar.addfile(info, io.BytesIO(raw))
        pages = HuggingFacePages(str(path), image_column="png", label_column="cls", cache_dir=str(tmp_path))
        assert pages.angles_cw_deg == [0, 180]
        assert pages.read(0).shape == (240, 180, 3)

    def test_nothing_there(self, tmp_path):
        with pytest.raises(InputError, match="neither"):
            HuggingFacePages(str(tmp_path), cache_dir=str(tmp_path))


class TestUVDoc:
    def test_reads(self, uvdoc_set):
        photos = UVDocSet(uvdoc_set)
        assert len(photos) == 4
        assert len(set(photos.documents)) == 2
        page = photos.read(0, 0)
        assert page.grid_xy.shape == (2, 45, 31)
        assert page.mesh is not None
        assert page.mesh.shape == (3, 45, 31)
        assert 0 <= page.mesh.min() <= page.mesh.max() <= 1
        assert abs(page.grid_xy).max() <= 1
        assert not is_mirrored(page.grid_xy)

    def test_crop_keeps_the_page_in_place(self, uvdoc_set):
        """A node shows the same pixel of the photo whatever the margin was."""
        photos = UVDocSet(uvdoc_set)
        whole = cv2.imread(str(uvdoc_set / "img" / "00000.png"))[..., ::-1]
        nodes = smooth_grid_px((712, 488), (89, 61), 0)[::2, ::2]
        for number in range(3):
            page = photos.read(0, number)
            height, width = page.image.shape[:2]
            inside = (np.moveaxis(page.grid_xy, 0, -1) + 1) / 2 * (width - 1, height - 1)
            shift = nodes - inside
            assert np.ptp(shift, (0, 1)).max() < 1e-3
            left, top = shift[0, 0].round().astype(int)
            assert np.array_equal(page.image, whole[top : top + height, left : left + width])

    def test_margins_differ_by_number_and_repeat(self, uvdoc_set):
        photos = UVDocSet(uvdoc_set)
        assert len({photos.read(0, number).image.shape for number in range(5)}) > 1
        assert np.array_equal(photos.read(0, 3).image, photos.read(0, 3).image)

    def test_malformed(self, uvdoc_set, tmp_path):
        import h5py

        with pytest.raises(InputError, match="folder img"):
            UVDocSet(tmp_path)
        root = tmp_path / "copy"
        shutil.copytree(uvdoc_set, root)
        (root / "metadata_sample" / "00000.json").write_text("{}")
        with pytest.raises(InputError, match="geom_name"):
            UVDocSet(root)
        shutil.copy(uvdoc_set / "metadata_sample" / "00000.json", root / "metadata_sample")
        with h5py.File(root / "grid2d" / "geom0.mat", "w") as file:
            file["grid2d"] = np.zeros((2, 10, 10))
        with pytest.raises(InputError, match=r"\(10, 10, 2\) after transposing, not \(89, 61, 2\)"):
            UVDocSet(root).read(0, 0)
        (root / "grid2d" / "geom0.mat").write_bytes(b"MATLAB 5.0 MAT-file")
        with pytest.raises(InputError, match=r"MATLAB 7\.3"):
            UVDocSet(root).read(0, 0)
        (root / "grid2d" / "geom0.mat").unlink()
        with pytest.raises(InputError, match="no such file"):
            UVDocSet(root).read(0, 0)


class TestDoc3D:
    def test_reads(self, doc3d_set):
        photos = Doc3DSet(doc3d_set)
        assert photos.documents == ["1/7_2", "1/8_1"]
        page = photos.read(0, 0)
        assert page.grid_xy.shape == (2, 45, 31)
        assert page.mesh is not None
        right, up = page.mesh[1], page.mesh[2]
        assert (np.diff(right, axis=1) > 0).all()  # mirrored twice: still from left to right
        assert (np.diff(up, axis=0) < 0).all()

    def test_malformed(self, doc3d_set, tmp_path):
        with pytest.raises(InputError, match=r"valdoc3D\.txt: the list can't be read"):
            Doc3DSet(doc3d_set, "valdoc3D.txt")
        (tmp_path / "traindoc.txt").write_text("1/none\n")
        with pytest.raises(InputError, match="no img/1/none"):
            Doc3DSet(tmp_path)


class TestSyntheticDoc:
    def test_reads(self, synthetic_doc_shard):
        photos = SyntheticDocSet(synthetic_doc_shard.parent)
        assert photos.documents == ["doc_0.png", "doc_1.png"]
        page = photos.read(1, 0)
        assert page.image.shape == (144, 104, 3)
        assert page.grid_xy.shape == (2, 45, 31)
        assert page.mesh is None

    def test_both_units_agree(self):
        nodes_px = smooth_grid_px((1440, 1024), (177, 121), 0).astype(np.float32)
        normalised = nodes_px / np.float32([1023, 1439]) * 2 - 1
        by_pixel = checked_map(nodes_px, (1440, 1024), "pixel", "map")
        assert np.allclose(by_pixel, checked_map(normalised, (1440, 1024), "normalised", "map"), atol=1e-6)
        with pytest.raises(InputError, match="not that of a map in normalised units"):
            checked_map(nodes_px, (1440, 1024), "normalised", "map")
        with pytest.raises(InputError, match="not that of a map in pixel units"):
            checked_map(normalised, (1440, 1024), "pixel", "map")
        with pytest.raises(InputError, match="not finite"):
            checked_map(normalised * np.nan, (1440, 1024), "normalised", "map")
        with pytest.raises(InputError, match="of floats"):
            checked_map(normalised[:10], (1440, 1024), "normalised", "map")

    def test_malformed(self, tmp_path):
        (tmp_path / "train_000.zip").write_bytes(b"PK")
        with pytest.raises(InputError, match="not a zip file"):
            SyntheticDocSet(tmp_path)
        with zipfile.ZipFile(tmp_path / "train_000.zip", "w") as content:
            content.writestr("a/render.png", b"no picture")
            content.writestr("a/metadata.json", json.dumps({"files": {"document": "d"}}))
        photos = SyntheticDocSet(tmp_path)
        with pytest.raises(InputError, match="it is not a picture"):
            photos.read(0, 0)
        with zipfile.ZipFile(tmp_path / "train_000.zip", "w") as content:
            content.writestr("a/render.png", b"")
        with pytest.raises(InputError, match=r"metadata\.json"):
            SyntheticDocSet(tmp_path)


class TestFlatPages:
    def test_photos_by_number(self, upright_pages):
        from train.synth import SynthConfig

        photos = FlatPages(upright_pages, SynthConfig(size_wh=(96, 128)), photos_per_page=2)
        assert len(photos) == 12
        assert len(set(photos.documents)) == 6
        first, again, other = photos.read(3, 5), photos.read(3, 5), photos.read(3, 6)
        assert np.array_equal(first.image, again.image)
        assert not np.array_equal(first.image, other.image)
        assert first.grid_xy.shape == (2, 45, 31)
        assert first.mesh is not None
        assert photos.flat(3).shape == (240, 180, 3)
        together = photos.read_many([0, 3], [4, 5])
        assert np.array_equal(together[1].image, first.image)  # whatever else is in the batch
        assert np.allclose(together[1].grid_xy, first.grid_xy, atol=1e-5)

    def test_mesh_lies_in_the_page_s_own_frame(self):
        """However the page is turned before the camera, a flat one has the same mesh."""
        v, u = np.mgrid[-0.5:0.5:45j, -0.35:0.35:31j]
        flat = np.stack([u, v, 0 * u])
        turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
        turn *= np.sign(np.linalg.det(turn))
        assert np.allclose(mesh_from_xyz(np.tensordot(turn, flat, 1)), mesh_from_xyz(flat), atol=1e-6)
        mesh = mesh_from_xyz(flat)
        assert mesh[1, 0, -1] > mesh[1, 0, 0]
        assert mesh[2, 0, 0] > mesh[2, -1, 0]
        nearer = mesh_from_xyz(flat + np.stack([0 * u, 0 * u, -0.1 * (1 - 4 * u * u)]))
        assert nearer[0, 20, 15] > nearer[0, 20, 0]  # the middle bulges towards the camera


def test_several_sources_as_one(upright_pages, uvdoc_set, synthetic_doc_shard):
    pages = Several([Pages(upright_pages), Pages(upright_pages)])
    assert len(pages) == 12
    assert len(set(pages.documents)) == 12
    assert pages.read(7).shape == (240, 180, 3)
    photos = SeveralWarped([UVDocSet(uvdoc_set), SyntheticDocSet(synthetic_doc_shard)])
    assert [photos.read(i, 0).mesh is None for i in (0, 5)] == [False, True]
    assert photos.describe()["sources"][0]["reader"] == "UVDocSet"
    with pytest.raises(ConfigError, match="empty"):
        Several([])


class TestSplit:
    def test_documents_stay_whole(self):
        documents = [f"d{i // 7}" for i in range(70)]
        kept, held_out = split_by_document(documents, 0.2, seed=0)
        assert sorted(kept + held_out) == list(range(70))
        assert len(held_out) == 14
        assert not {documents[i] for i in kept} & {documents[i] for i in held_out}
        assert split_by_document(documents, 0.2, seed=0) == (kept, held_out)
        assert split_by_document(documents, 0.2, seed=1) != (kept, held_out)

    def test_refuses_what_can_t_be_split(self):
        with pytest.raises(ConfigError, match="two documents"):
            split_by_document(["a", "a"], 0.5, 0)
        with pytest.raises(ConfigError, match="between 0 and 1"):
            split_by_document(["a", "b"], 1.0, 0)
