"""A release for tests: it copies artifacts instead of exporting them, and can kill itself.

    python tests/support/releaser.py OUTPUT_DIR POINT ENCODER PREPROCESSOR

All other code is the real code. The release kills itself at POINT: 2n is just before the n-th file
is published, 2n + 1 just after it, -1 is never. It prints the number of points.
"""

import itertools
import os
import shutil
import signal
import sys

from export.release import command_runner, model_list, paths, run

PUBLISHER = "org"


def _copying(artifacts):
    def run(self, module, *arguments, log_prefix):
        flags = dict(argument[2:].split("=", 1) for argument in arguments if argument[:2] == "--")
        if module == "export.verify":
            with open(flags["results"], "w", encoding="utf-8") as file:
                file.write('{"checks": ["it loads"]}')
            return ""
        path = os.path.join(flags["export_dir"], flags["model_name"], flags["version"])
        return shutil.copytree(artifacts[module], path)

    return run


def main(output_dir, point, encoder, preprocessor):
    counter = itertools.count()
    replace = os.replace

    def dying(source, target):
        for action in (lambda: None, lambda: replace(source, target)):
            action()
            if next(counter) == int(point):
                os.kill(os.getpid(), signal.SIGKILL)

    # Only this module's `os`, because only its renames publish files.
    paths.os = type(sys)("os_that_kills")
    paths.os.__dict__.update(os.__dict__, replace=dying)
    artifacts = {"export.encoder": encoder, "export.preprocessor": preprocessor}
    command_runner.CommandRunner.run = _copying(artifacts)
    done = run.run(
        model_list.untrained(["tiny"]),
        publisher=PUBLISHER,
        output_dir=output_dir,
        jobs=1,
        key=None,
        source_uri=None,
        base_url="https://example.org",
    )
    assert not any(result.problem for result in done), done
    print(next(counter))


if __name__ == "__main__":
    main(*sys.argv[1:])
