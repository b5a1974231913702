"""`make import`: load a file of JSON Lines into the table of the environment or of the current run.

The file may be a named pipe, a process substitution, or `-` for standard input.
"""

import argparse
import os
import sys

from tools.local.import_formats import READERS

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the number of SIGINT."""


def main() -> None:
    """Import a file, and print the counts or a one-line error."""
    arguments = _arguments()
    try:
        # Loading it takes most of a second, in which Ctrl-C must print one line too.
        from tools.local.bulk_import import import_from  # noqa: PLC0415

        counts = import_from(arguments.file, arguments.format)
    except KeyboardInterrupt:
        print("import: interrupted; stored items stay; run the command again to continue", file=sys.stderr)
        sys.exit(INTERRUPTED)
    text = f"{counts.created} created, {counts.existing} existing, {counts.rejected} rejected"
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        sys.exit(f"import: {text}; standard output: {error.strerror}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make import", usage="make import FILE=news.jsonl [FORMAT=...]")
    parser.add_argument("file")
    parser.add_argument("--format", choices=READERS, default="news")
    return parser.parse_args()


if __name__ == "__main__":
    main()
