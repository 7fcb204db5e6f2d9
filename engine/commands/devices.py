"""`clavilux devices`: the sound devices that `--audio` takes."""

import json
from dataclasses import asdict

import click

EPILOG = """\b
Examples, with a name (or a part of it) or number from this list:
  clavilux play --audio default
  clavilux play --audio 'USB Audio'
  clavilux play --audio 'USB Audio:1-2=main,3=kick,4=synth'   named inputs by channel
Also: --audio song.flac, --audio synthetic, --audio none"""


@click.command(epilog=EPILOG)
@click.option("--all", "every", is_flag=True, help="Devices without inputs too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(every: bool, as_json: bool) -> None:
    """List the sound devices that can be listened to: number, channels, rate, name."""
    from engine.audio import list_devices

    found = [device for device in list_devices() if every or device.inputs > 0]
    if as_json:
        click.echo(json.dumps([asdict(device) for device in found], indent=2))
        return
    if not found:
        click.echo("No input device. Connect one, or play a file: clavilux play --audio song.flac")
    for device in found:
        outputs = f", {device.outputs} out" if every else ""
        click.echo(f"{device.number:3}  {device.inputs} in{outputs}, {device.rate_hz:.0f} Hz  {device.name}  ({device.host})")
