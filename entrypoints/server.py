"""The command `server`: a tracking server of your own, with an S3 server behind it.

It is no step of MLproject: `mlflow run` would keep a run of it, which never ends, in whatever store
was there before.
"""

from pathlib import Path

from ctc.params import ServerParams
from entrypoints.command import step_command


@step_command(ServerParams)
def main(params: ServerParams) -> None:
    """Run both servers until Ctrl-C or SIGTERM."""
    from ctc.server.planning import plan_server
    from ctc.server.private import private_folder
    from ctc.server.serving import alone_in, serve

    folder = Path(params.folder).absolute()
    private_folder(folder)
    with alone_in(folder):
        serve(plan_server(params), say=lambda text: print(f"server: {text}"))


if __name__ == "__main__":
    main()
