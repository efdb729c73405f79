"""Tiny runs of both tasks, from the configurations in configs/: fit, resume, validate, test, export, and use."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions, create_engine
from docpre.errors import ConfigError, ModelError
from docpre.models.convert import load_pp_lcnet, load_uvdoc
from docpre.orientation import OrientationClassifier
from docpre.registry import MODELS, SPEC_FILE, find_model, find_weights, published_model, sha256_of
from tests.train.drawing import draw_text_page
from train.__main__ import main
from train.cli import command_line
from train.data.source import NO_ANGLE
from train.export import export, read_checkpoint, trained_network
from train.orientation import Orientation, forgetting
from train.unwarping import Unwarping, has_folded_norms

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
QUIET = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false", "--trainer.accelerator=cpu"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def orientation_options(upright_pages, small_pp_lcnet):
    return [
        f"--config={CONFIGS / 'orientation.yaml'}",
        f"--data.train.path={upright_pages}",
        f"--model.start={small_pp_lcnet}",
        "--model.size_hw=[64,64]",
        "--model.resize_short=72",
        "--data.batch_size=4",
        "--data.workers=0",
        "--trainer.max_epochs=1",
        "--trainer.log_every_n_steps=1",
        *QUIET,
    ]


@pytest.fixture
def unwarping_options(upright_pages, small_uvdoc):
    return [
        f"--config={CONFIGS / 'unwarping.yaml'}",
        f"--data.train.path={upright_pages}",
        "--data.train.photos_per_page=1",
        "--data.train.config.size_wh=[96,128]",
        f"--model.start={small_uvdoc}",
        "--model.size_hw=[128,96]",
        "--model.unfold_pictures=1",
        "--model.frozen=[resnet_down,bridge_]",  # checkpoints are a third of their size
        "--data.batch_size=1",
        "--data.workers=0",
        "--trainer.max_epochs=1",
        "--trainer.log_every_n_steps=1",
        *QUIET,
    ]


def logged(task):
    with next(Path(f"runs/{task}/csv").glob("version_*/metrics.csv")).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["orientation", "unwarping"])
def test_configurations_name_every_option_right(name):
    """A configuration is read whole: an option that no class has would be an error."""
    text = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())
    assert {"seed_everything", "model", "data", "trainer"} == set(text)
    with pytest.raises(SystemExit) as stop:
        main([name, "fit", f"--config={CONFIGS / f'{name}.yaml'}", "--print_config"])
    assert stop.value.code == 0


def test_defaults_stay():
    orientation, unwarping = Orientation(start="nothing"), Unwarping(start="nothing")
    assert orientation.spec == published_model("orientation")
    assert unwarping.spec == published_model("unwarping")
    assert dict(unwarping.hparams["weights"]) == {
        "grid": 5.0,
        "mesh": 5.0,
        "reconstruction": 1.0,
        "ssim": 0.0,
        "axes": 0.0,
        "pictures_from": 0.5,
    }


class TestOrientation:
    def test_fit_validate_export_and_use(self, orientation_options, upright_pages):
        assert main(["orientation", "fit", *orientation_options]) == 0
        rows = logged("orientation")
        assert any(row.get("train/loss") for row in rows)
        last = next(row for row in reversed(rows) if row.get("val/top1"))
        assert float(last["val/samples"]) == 4  # one of six pages is held out, in four turns
        assert {"val/top1_0", "val/top1_90", "val/top1_180", "val/top1_270"} <= set(last)
        assert list(Path("runs/orientation/pictures").glob("*.png"))
        assert list(Path("runs/orientation/tensorboard").rglob("events*"))
        checkpoint = "runs/orientation/checkpoints/best.ckpt"
        for command in ("validate", "test"):
            assert main(["orientation", command, *orientation_options, f"--ckpt_path={checkpoint}"]) == 0

        assert main(["export", f"--ckpt={checkpoint}", "--output=model", "--name=mine", "--licence=CC0-1.0"]) == 0
        spec = find_model("orientation", model_dir="model")
        assert spec.name == "mine"
        assert spec.size_hw == (64, 64)
        assert {artefact.filename for artefact in spec.artefacts} == {"model.onnx", "model.safetensors"}
        assert all(artefact.licence == "CC0-1.0" for artefact in spec.artefacts)
        assert spec.provenance["data"]["train"]["path"] == str(upright_pages)
        assert spec.provenance["onnx_worst_difference"] <= 1e-4
        assert "val/top1 " in spec.figures
        assert "(on 4 samples)" in spec.figures
        assert sorted(path.name for path in Path("model").iterdir()) == ["model.onnx", "model.safetensors", SPEC_FILE]
        scores = [engine.run(batch_of(spec)) for engine in both_engines(spec)]
        assert np.abs(scores[0] - scores[1]).max() < 1e-4
        assert np.allclose(scores[0].sum(1), 1, atol=1e-5)

    def test_docpre_takes_the_directory(self, orientation_options):
        from docpre import DocImgOrientationClassification

        main(["orientation", "fit", *orientation_options])
        main(["export", "--ckpt=runs/orientation/checkpoints/best.ckpt", "--output=model"])
        model = DocImgOrientationClassification(model_dir="model", device="cpu")
        assert len(list(model.predict(draw_text_page(0)))) == 1

    def test_two_processes(self, orientation_options):
        """Two processes share the samples, and figures are of them all."""
        options = [*orientation_options, "--trainer.devices=2", "--trainer.strategy=ddp", "--data.batch_size=2"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "train", "orientation", "fit", *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr[-3000:]
        rows = logged("orientation")
        assert float(next(row for row in rows if row.get("val/samples"))["val/samples"]) == 4
        content = read_checkpoint(Path("runs/orientation/checkpoints/best.ckpt"))
        assert content["global_step"] == 5  # 20 samples, 2 processes, batches of 2

    def test_resumed_in_the_middle_of_a_pass(self, orientation_options):
        """Weights after a stop and a resume are those of a run without a stop, bit for bit; dropout and EMA too."""
        averaging = {"class_path": "lightning.pytorch.callbacks.EMAWeightAveraging", "init_args": {"decay": 0.5}}
        saving = {
            "class_path": "lightning.pytorch.callbacks.ModelCheckpoint",
            "init_args": {"dirpath": "steps", "filename": "{step}", "every_n_train_steps": 2, "save_top_k": -1},
        }
        options = [*orientation_options, "--trainer.max_epochs=2", "--trainer.logger=false"]
        first = command_line("orientation", ["fit", *options, f"--trainer.callbacks={json.dumps([averaging, saving])}"])
        whole = first.model.network.state_dict()
        options += [f"--trainer.callbacks={json.dumps([averaging])}", "--trainer.enable_checkpointing=false"]
        for step in (4, 6):  # a pass is five steps
            resumed = command_line("orientation", ["fit", *options, f"--ckpt_path=steps/step={step}.ckpt"])
            assert resumed.trainer.global_step == 10
            now = resumed.model.network.state_dict()
            assert all(torch.equal(now[name], whole[name]) for name in whole), f"resumed at {step}"

    def test_last_is_found(self, orientation_options):
        assert main(["orientation", "fit", *orientation_options]) == 0
        cli = command_line("orientation", ["fit", *orientation_options, "--trainer.max_epochs=2", "--ckpt_path=last"])
        assert cli.trainer.global_step == 10

    def test_bf16_and_frozen_parts(self, orientation_options, small_pp_lcnet):
        from safetensors.torch import load_file

        extra = ["--trainer.precision=bf16-mixed", "--model.frozen=[conv1,blocks2]", "--trainer.callbacks=null"]
        cli = command_line("orientation", ["fit", *orientation_options, *extra])
        start, now = load_file(small_pp_lcnet), cli.model.network.state_dict()
        assert all(torch.equal(now[k], start[k]) for k in start if k.startswith(("conv1", "blocks2")))
        assert not torch.equal(now["fc.weight"], start["fc.weight"])
        assert now["fc.weight"].dtype == torch.float32

    def test_keep_holds_to_the_start(self, orientation_options):
        """With a large weight scores stay nearer to the start's, and checkpoints hold one network."""
        options = [*orientation_options, "--model.lr=3e-3", "--trainer.max_epochs=4", "--model.warm_up=0"]
        options += ["--trainer.logger.class_path=lightning.pytorch.loggers.CSVLogger"]
        last = []
        for keep in (0.001, 100):
            folder = f"--trainer.logger.init_args.save_dir=keep{keep}"
            assert main(["orientation", "fit", *options, folder, f"--model.keep={keep}"]) == 0
            with next(Path(f"keep{keep}").rglob("metrics.csv")).open() as file:
                gone = [float(row["train/forgotten"]) for row in csv.DictReader(file) if row["train/forgotten"]]
            last.append(np.mean(gone[-10:]))
        assert last[1] < 0.75 * last[0]  # dropout alone takes scores from the start's
        names = set(read_checkpoint(Path("runs/orientation/checkpoints/best.ckpt"))["state_dict"])
        assert all(name.startswith("network.") for name in names)

    def test_keep_from_other_weights(self, orientation_options, small_pp_lcnet):
        other = load_pp_lcnet(small_pp_lcnet, 4)
        torch.nn.init.zeros_(other.fc.weight)
        save_file(other.state_dict(), "other.safetensors")
        model = Orientation(start=str(small_pp_lcnet), keep=1.0, keep_from="other.safetensors")
        model.setup("fit")
        assert not torch.equal(model.network.fc.weight, other.fc.weight)
        assert torch.equal(model._kept[0].fc.weight, other.fc.weight)
        assert not any(parameter.requires_grad for parameter in model._kept[0].parameters())

    def test_frozen_parts_are_run_once_for_both_networks(self, small_pp_lcnet):
        batch = {"image": torch.randn(2, 3, 64, 64), "label": torch.tensor([0, 2])}
        losses = []
        for frozen in (["conv1", "blocks2"], ["conv1"], ["blocks2"]):
            module = Orientation(start=str(small_pp_lcnet), keep=2.0, frozen=frozen, fixed_norms=True)
            module.setup("fit")
            module.eval()
            with torch.no_grad():
                module.network.fc.bias += torch.tensor([0.0, 1.0, 0.0, 0.0])
                module.log = lambda *args, **kwargs: None
                losses.append(float(module.training_step(batch, 0)))
        assert module._shared == ""
        assert losses == pytest.approx([losses[0]] * 3, rel=1e-4)

    def test_timm_backbone(self, orientation_options):
        pytest.importorskip("timm")
        extra = ["--model.backbone=test_resnet", "--model.start=nothing"]
        assert main(["orientation", "fit", *orientation_options, *extra]) == 0
        assert main(["export", "--ckpt=runs/orientation/checkpoints/best.ckpt", "--output=model"]) == 0
        spec = find_model("orientation", model_dir="model")
        assert spec.architecture == "timm/test_resnet"
        assert [artefact.filename for artefact in spec.artefacts] == ["model.onnx"]
        engine, _ = create_engine(spec, RuntimeOptions(engine="onnxruntime", device="cpu"), "model")
        assert engine.run(batch_of(spec)).shape == (2, 4)

    def test_lcnet_of_timm_takes_pp_lcnet_s_weights(self, small_pp_lcnet):
        pytest.importorskip("timm")
        ours = Orientation("PPLCNet", str(small_pp_lcnet)).eval()
        theirs = Orientation("lcnet_100", str(small_pp_lcnet)).eval()
        ours.setup("fit")
        theirs.setup("fit")
        picture = torch.rand(2, 3, 64, 64)
        with torch.no_grad():
            assert torch.allclose(ours(picture), theirs(picture), atol=1e-5)

    def test_training_without_an_end(self, orientation_options, capsys):
        options = [*orientation_options, "--trainer.max_epochs=-1", "--trainer.callbacks=null"]
        assert main(["orientation", "fit", *options]) == 1
        assert "set trainer.max_steps" in capsys.readouterr().err

    def test_wrong_options(self):
        with pytest.raises(ConfigError, match="neither a network nor a timm model"):
            Orientation("resnet_from_nowhere", "nothing")
        with pytest.raises(ConfigError, match="no part of the network begins with 'head'"):
            Orientation(start="nothing", frozen=["head"])
        with pytest.raises(ConfigError, match="there is no 'offical'"):
            Orientation(start="offical").setup("fit")
        with pytest.raises(ConfigError, match="'nothing' or from timm's 'pretrained'"):
            Orientation("resnet18", "official")
        with pytest.raises(ConfigError, match="keep is a weight"):
            Orientation(start="nothing", keep=-1)
        with pytest.raises(ConfigError, match="'nothing' know nothing"):
            Orientation(start="nothing", keep=1).setup("fit")


def test_forgetting_counts_where_the_start_is_right():
    known = torch.tensor([[4.0, 0.0, 0.0, 0.0], [4.0, 0.0, 0.0, 0.0], [4.0, 0.0, 0.0, 0.0]])
    other = torch.zeros(3, 4)
    assert forgetting(known, known, torch.tensor([0, 0, 0])) == 0
    assert forgetting(other, known, torch.tensor([1, 2, NO_ANGLE])) == 0
    scores = torch.softmax(known[0] / 2, 0)
    by_hand = 4 * float((scores * (scores / 0.25).log()).sum())
    assert float(forgetting(other, known, torch.tensor([0, 0, 0]))) == pytest.approx(by_hand, rel=1e-5)
    assert float(forgetting(other, known, torch.tensor([0, 1, NO_ANGLE]))) == pytest.approx(by_hand / 3, rel=1e-5)


class TestUnwarping:
    def test_fit_export_and_use(self, unwarping_options):
        extra = ["--model.weights.ssim=0.5", "--model.weights.axes=0.5", "--model.weights.pictures_from=0"]
        assert main(["unwarping", "fit", *unwarping_options, *extra]) == 0
        rows = logged("unwarping")
        first = next(row for row in rows if row.get("train/loss"))
        terms = {name: float(first[f"train/{name}"]) for name in ("grid", "mesh", "reconstruction", "ssim", "axes")}
        weights = {"grid": 5, "mesh": 5, "reconstruction": 1, "ssim": 0.5, "axes": 0.5}
        assert sum(weights[name] * terms[name] for name in terms) == pytest.approx(float(first["train/loss"]), rel=1e-4)
        figures = next(row for row in reversed(rows) if row.get("val/grid_error_percent"))
        assert all(np.isfinite(float(figures[f"val/{name}"])) for name in ("line_tilt_deg", "ms_ssim"))
        assert list(Path("runs/unwarping/pictures").glob("*.png"))
        checkpoint = "runs/unwarping/checkpoints/best.ckpt"
        assert main(["unwarping", "test", *unwarping_options, f"--ckpt_path={checkpoint}"]) == 0

        assert main(["export", f"--ckpt={checkpoint}", "--output=model"]) == 0
        spec = find_model("unwarping", model_dir="model")
        assert spec.outputs == ("grid", "mesh")
        record = json.loads(Path("model", SPEC_FILE).read_text())
        assert record["provenance"]["configuration"]["weights"]["ssim"] == 0.5
        assert record["provenance"]["steps"] == 5
        for artefact in spec.artefacts:
            assert sha256_of(Path("model", artefact.filename)) == artefact.sha256
        grids = [engine.run(batch_of(spec)) for engine in both_engines(spec)]
        assert grids[0].shape == (2, 2, 8, 6)
        assert np.abs(grids[0] - grids[1]).max() < 1e-4

        options = ["--model.start=model", "--trainer.max_steps=0", "--trainer.callbacks=null"]
        started = command_line("unwarping", ["fit", *unwarping_options, *options]).model.network.state_dict()
        exported = load_uvdoc(Path("model/model.safetensors")).state_dict()
        assert all(torch.equal(started[name], exported[name]) for name in exported if "num_batches" not in name)

    def test_official_weights_are_unfolded(self, unwarping_options):
        """Batch norms get live statistics, and the network still says what it said."""
        options = ["--model.start=official", "--trainer.max_steps=0", "--model.unfold_pictures=2"]
        options += ["--trainer.callbacks=null"]
        cli = command_line("unwarping", ["fit", *unwarping_options, *options])
        published = load_uvdoc(find_weights(MODELS["UVDoc"]).path)
        assert has_folded_norms(published)
        assert not has_folded_norms(cli.model.network)
        picture = torch.rand(1, 3, 128, 96)
        with torch.no_grad():
            before, now = published(picture), cli.model.network.eval()(picture)
        assert torch.allclose(before[0], now[0], atol=1e-4)

    def test_fixed_norms(self, unwarping_options):
        options = ["--model.fixed_norms=true", "--trainer.max_steps=1", "--trainer.callbacks=null"]
        cli = command_line("unwarping", ["fit", *unwarping_options, *options])
        norms = [m for m in cli.model.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert all(int(norm.num_batches_tracked) == 0 for norm in norms)

    @pytest.mark.parametrize("source", ["uvdoc_set", "doc3d_set", "synthetic_doc_shard"])
    def test_published_layouts(self, source, unwarping_options, request):
        name = {"uvdoc_set": "UVDocSet", "doc3d_set": "Doc3DSet", "synthetic_doc_shard": "SyntheticDocSet"}[source]
        options = [option for option in unwarping_options if not option.startswith("--data.train")]
        data = {"class_path": f"train.data.{name}", "init_args": {"path": str(request.getfixturevalue(source))}}
        options += [f"--data.train={json.dumps(data)}", "--data.held_out_share=0.5", "--trainer.logger=false"]
        options += ["--trainer.callbacks=null", "--trainer.max_steps=1"]
        cli = command_line("unwarping", ["fit", *options])
        assert cli.trainer.global_step == 1
        assert np.isfinite(float(cli.trainer.callback_metrics["train/loss"]))


class TestCheck:
    def test_all_well(self, orientation_options, capsys):
        assert main(["data", "check", "orientation", *orientation_options]) == 0
        said = capsys.readouterr().out
        assert "train: 5 samples of 5 documents" in said
        assert "by angle: 0: 5" in said
        assert "all samples can be used" in said

    def test_names_what_is_broken(self, orientation_options, upright_pages, tmp_path, capsys):
        folder = tmp_path / "pages"
        folder.mkdir()
        for number in range(3):
            cv2.imwrite(str(folder / f"{number}.png"), draw_text_page(number))
        (folder / "broken.png").write_bytes(b"\x89PNG no")
        assert main(["data", "check", "orientation", *orientation_options, f"--data.train.path={folder}"]) == 1
        assert "broken.png" in capsys.readouterr().err

    def test_unwarping(self, unwarping_options, capsys):
        assert main(["data", "check", "unwarping", *unwarping_options]) == 0
        assert "with a mesh" in capsys.readouterr().out

    def test_missing_folder_is_said_in_one_line(self, orientation_options, capsys):
        assert main(["orientation", "fit", *orientation_options, "--data.train.path=nowhere"]) == 1
        assert capsys.readouterr().err.strip().splitlines()[-1].startswith("InputError: nowhere: there is no such")


class TestExport:
    def test_refuses_strangers(self, tmp_path):
        with pytest.raises(ModelError, match="Can't read the checkpoint"):
            export(tmp_path / "none.ckpt", tmp_path / "model")
        torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
        with pytest.raises(ModelError, match="not written by docpre's training"):
            export(tmp_path / "other.ckpt", tmp_path / "model")
        torch.save({"docpre": Path("x")}, tmp_path / "pickle.ckpt")
        with pytest.raises(ModelError, match="not a checkpoint that docpre can read"):
            export(tmp_path / "pickle.ckpt", tmp_path / "model")
        assert not (tmp_path / "model").exists()

    def test_keeps_nothing_that_differs(self, tmp_path, monkeypatch):
        module = Orientation(start="nothing", size_hw=(64, 64))
        content = {
            "docpre": {"task": "orientation", "figures": {}},
            "hyper_parameters": {"start": "nothing", "size_hw": (64, 64)},
            "state_dict": module.state_dict(),
        }
        torch.save(content, tmp_path / "a.ckpt")
        network, spec = trained_network(read_checkpoint(tmp_path / "a.ckpt"))
        assert spec.size_hw == (64, 64)
        assert not network.training
        monkeypatch.setattr("train.export.worst_difference", lambda *_: float("nan"))
        with pytest.raises(ModelError, match="differs from the network"):
            export(tmp_path / "a.ckpt", tmp_path / "model")
        assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "file").touch()
        with pytest.raises(ConfigError, match="not empty"):
            export(tmp_path / "a.ckpt", tmp_path / "model")

    def test_a_classifier_may_see_smaller_pictures_than_in_training(self, tmp_path):
        content = {
            "docpre": {"task": "orientation", "figures": {}},
            "hyper_parameters": {"start": "nothing", "size_hw": (96, 96), "resize_short": None},
            "state_dict": Orientation(start="nothing", size_hw=(96, 96)).state_dict(),
        }
        torch.save(content, tmp_path / "a.ckpt")
        assert export(tmp_path / "a.ckpt", tmp_path / "model", size_hw=(80, 64)).size_hw == (80, 64)
        pool = EnginePool("orientation", None, tmp_path / "model", RuntimeOptions())
        assert pool.spec.size_hw == (80, 64)
        page = np.random.default_rng(0).integers(0, 255, (200, 150, 3), np.uint8)
        assert OrientationClassifier(pool).scores([page]).sum() == pytest.approx(1, abs=1e-5)
        for size in ((80, 63), (16, 64)):
            with pytest.raises(ConfigError, match="--size_hw"):
                export(tmp_path / "a.ckpt", tmp_path / "other", size_hw=size)


def test_usage(capsys):
    assert main([]) == 2
    assert "python -m train" in capsys.readouterr().err
    assert main(["--help"]) == 0


def batch_of(spec):
    return np.random.default_rng(0).random((2, 3, *spec.size_hw), np.float32)


def both_engines(spec):
    return [create_engine(spec, RuntimeOptions(engine=e, device="cpu"), "model")[0] for e in ("onnxruntime", "torch")]
