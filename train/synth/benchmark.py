"""Measures the synthesiser: `python -m train.synth.benchmark [--workers 2] [--device cpu]`."""

import argparse
import time
from multiprocessing import get_context

import torch

from train.synth.page import draw_page
from train.synth.synthesiser import Synthesiser


def _work(worker: int, samples: int, batch: int, device: str) -> tuple[float, float]:
    """Make samples; seconds by the wall and by the process's own clock."""
    torch.set_num_threads(1)
    pages = [draw_page(i) for i in range(6)]
    synthesiser = Synthesiser(seed=worker, device=device)

    def make(first: int) -> None:
        photos = synthesiser([pages[n % len(pages)] for n in range(first, first + batch)], range(first, first + batch))
        photos.image.cpu()

    make(0)
    wall, own = time.perf_counter(), time.process_time()
    for first in range(batch, samples + batch, batch):
        make(first)
    return time.perf_counter() - wall, time.process_time() - own


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m train.synth.benchmark", description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each (2)")
    parser.add_argument("--samples", type=int, default=48, help="samples a process (48)")
    parser.add_argument("--batch", type=int, default=1, help="samples a call (1; more on a GPU)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    chosen = parser.parse_args(arguments)
    jobs = [(w, chosen.samples, chosen.batch, chosen.device) for w in range(chosen.workers)]
    if chosen.workers == 1:
        taken = [_work(*jobs[0])]
    else:
        with get_context("spawn").Pool(chosen.workers) as pool:
            taken = pool.starmap(_work, jobs)
    wall, own = max(t[0] for t in taken), sum(t[1] for t in taken)
    total = chosen.samples * chosen.workers
    print(f"{total / wall:.1f} samples/s by {chosen.workers} processes ({own / total * 1000:.0f} ms of CPU a sample)")


if __name__ == "__main__":
    main()
