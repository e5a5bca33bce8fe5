"""One reader under atheris: ``python -m fuzz.search NAME FOLDER [options of libFuzzer]``."""

from __future__ import annotations

import sys
import warnings

import atheris

with atheris.instrument_imports(include=["headgate", "json", "yaml"]):
    from fuzz.readers import READERS

if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of atheris itself
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, READERS[name])
    atheris.Fuzz()
