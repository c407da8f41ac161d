"""Installs the AWS SDK for JavaScript, and our programs beside it, into the target directory: the tree stays clean."""

import pathlib
import shutil
import subprocess

from harness import TARGET

HERE = pathlib.Path(__file__).resolve().parent
BUILD = TARGET / "clients" / "node-build"


def install():
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "round-trip.js", "follow.js"):
        shutil.copy(HERE / name, BUILD)
    installed = BUILD / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=BUILD, check=True, timeout=300)
