"""The child process: llama.cpp's HTTP server over one model file, until standard input ends. Run by `process`.

Prints `LISTENING <address>` once the model answers. It blocks on standard input, so the owner's death, also by SIGKILL, ends it.
The API key comes in the environment (arguments are visible in `ps`).
"""

from __future__ import annotations

import argparse
import os
import sys

KEY_VARIABLE = "STUDIO_LOCAL_KEY"
EXIT_NO_RUNTIME = 3
EXIT_NOT_LOADED = 4


def parse(arguments: list[str]) -> argparse.Namespace:
    """Either `--uds` (a socket path in a private folder) or a free loopback port."""
    parser = argparse.ArgumentParser(
        prog="python -m studio.providers.local.server", description="Serve one GGUF model."
    )
    parser.add_argument("model", help="path of the GGUF file")
    parser.add_argument("--uds", default="", help="Unix socket to listen on; without it, a free port of 127.0.0.1")
    parser.add_argument("--alias", default="local", help="the model's name on the wire")
    parser.add_argument("--context", type=int, default=8192, help="context size in tokens")
    parser.add_argument("--threads", type=int, default=2, help="threads that compute")
    parser.add_argument("--idle-seconds", type=int, default=600, help="idle time after which the weights leave memory")
    return parser.parse_args(arguments)


def serve(options: argparse.Namespace, key: str) -> int:
    """Load, announce, wait for the end of standard input, leave at once: there is nothing to save. Returns only on failure."""
    try:
        import xllamacpp
    except ImportError as error:
        sys.stderr.write(f"xllamacpp cannot be imported: {error}\n")
        return EXIT_NO_RUNTIME
    params = xllamacpp.CommonParams()  # ty: ignore[missing-attribute]
    params.model.path = options.model
    params.model_alias = {options.alias}
    params.hostnames = [options.uds or "127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.cors_origins = ""
    params.ui = False
    params.n_ctx = options.context
    params.n_parallel = 1
    params.n_predict = 4096  # a request without a limit ends, too
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.use_jinja = True
    params.cache_prompt = True
    params.cache_ram_mib = 512
    params.sleep_idle_seconds = options.idle_seconds
    params.endpoint_slots = True
    params.verbosity = 2
    try:
        server = xllamacpp.Server(params)  # ty: ignore[missing-attribute]
    except (RuntimeError, ValueError, OSError) as error:
        sys.stderr.write(f"the model could not be loaded: {error}\n")
        return EXIT_NOT_LOADED
    sys.stdout.write(f"LISTENING {server.listening_address}\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads on: native code that prints must not block
    sys.stdin.buffer.read()
    # Not `del server`: it waits, without giving up Python's lock, for the batch that is being read: 13 s on a busy machine.
    remove_socket(options.uds)
    os._exit(0)


def main(arguments: list[str]) -> int:
    """Lower the priority, serve, and remove the socket with its private folder, for an owner that was killed cannot."""
    options = parse(arguments)
    key = os.environ.pop(KEY_VARIABLE, "")
    if not key:
        sys.stderr.write(f"{KEY_VARIABLE} is not set\n")
        return 2
    os.nice(5)
    try:
        return serve(options, key)
    finally:
        remove_socket(options.uds)


def remove_socket(path: str) -> None:
    """Delete the socket and its folder if that is then empty. Nothing for a server on a port."""
    if not path:
        return
    for remove, what in ((os.unlink, path), (os.rmdir, os.path.dirname(path))):
        try:
            remove(what)
        except OSError:
            continue  # the owner was first


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
