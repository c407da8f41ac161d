"""Compares what Nautilus reads and answers with AWS's service model, and writes docs/conformance.md.

Inputs come from the code itself (`cargo run -p nautilus-kinesis --example service`), outputs and errors from a running
server that `scenario.py` walks through every operation. A difference that is not in `deliberate.json` with a reason, or
that stands there and is none any more, is a failure.
"""

import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import harness  # noqa: E402
import scenario  # noqa: E402

PINNED = "1.44.8"
DOCUMENT = harness.ROOT / "docs" / "conformance.md"
# Answered as operations that nobody knows.
NOT_BUILT = re.compile("Queue|Channel")
# Errors that any operation may have and that no model lists.
COMMON_ERRORS = {"ValidationException", "SerializationException", "InternalFailure", "UnknownOperationException"}
# AWS's words, not a model's, decide these: the service checks the range itself.
ASPECTS = ("type", "min", "max", "pattern", "enum")


def model_of(version):
    """Kinesis's model in a version of botocore; None for the newest."""
    with tempfile.TemporaryDirectory() as directory:
        wanted = f"botocore=={version}" if version else "botocore"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", directory, wanted]
        subprocess.run(command, check=True)
        wheel = next(pathlib.Path(directory).glob("botocore-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            name = next(n for n in names if re.fullmatch(r"botocore/data/kinesis/[^/]+/service-2\.json(\.gz)?", n))
            data = archive.read(name)
    return wheel.name.split("-")[1], json.loads(gzip.decompress(data) if name.endswith(".gz") else data)


class Model:
    def __init__(self, raw):
        self.raw, self.shapes = raw, raw["shapes"]
        self.operations = {n: o for n, o in raw["operations"].items() if not NOT_BUILT.search(n)}
        self.not_built = sorted(set(raw["operations"]) - set(self.operations))

    def constraints(self, name):
        """A shape's type and constraints, in the form of the example's."""
        shape = self.shapes[name]
        kind = shape["type"]
        found = {"type": kind}
        if kind == "list" and self.shapes[shape["member"]["shape"]]["type"] == "string":
            found["member"] = self.constraints(shape["member"]["shape"])
        if kind == "map":
            found["key"] = self.constraints(shape["key"]["shape"])
            found["value"] = self.constraints(shape["value"]["shape"])
        for end in ("min", "max"):
            if end in shape and not (end == "min" and shape[end] == 0 and kind not in ("integer", "long")):
                found[end] = shape[end]
        if "pattern" in shape:
            found["pattern"] = shape["pattern"]
        if "enum" in shape:
            found["enum"] = sorted(shape["enum"])
        return found

    def members(self, name, prefix=""):
        """Every member below a structure: path → (required, constraints)."""
        structure, found = self.shapes[name], {}
        for member, target in structure.get("members", {}).items():
            path, shape = prefix + member, self.shapes[target["shape"]]
            found[path] = (member in structure.get("required", []), self.constraints(target["shape"]))
            if shape["type"] == "structure":
                found |= self.members(target["shape"], path + ".")
            elif shape["type"] == "list" and self.shapes[shape["member"]["shape"]]["type"] == "structure":
                found |= self.members(shape["member"]["shape"], path + ".member.")
        return found

    def inputs(self, operation):
        shape = self.operations[operation].get("input")
        return self.members(shape["shape"]) if shape else {}

    def outputs(self, operation):
        shape = self.operations[operation].get("output")
        return self.members(shape["shape"]) if shape else {}

    def errors(self, operation):
        return {error["shape"] for error in self.operations[operation].get("errors", [])}


def ours():
    command = ["cargo", "run", "--quiet", "--package", "nautilus-kinesis", "--example", "service"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=harness.ROOT).stdout)


def bare(pattern):
    """AWS's errors print most patterns without the anchors and the outer brackets that the model has."""
    stripped = (pattern or "").removeprefix("^").removesuffix("$")
    return re.sub(r"^\((0\|.*)\)$", r"\1", stripped)


def differing(path, model, mine):
    """What differs between two shapes: key → (AWS, Nautilus)."""
    for aspect in ASPECTS:
        theirs, own = model.get(aspect), mine.get(aspect)
        own = sorted(own) if aspect == "enum" and own else own
        if aspect == "pattern":
            theirs, own = bare(theirs), bare(own)
        if theirs != own:
            yield f"{path}:{aspect}", (theirs, own)
    for part in ("member", "key", "value"):
        if part in model or part in mine:
            yield from differing(f"{path}.{part}", model.get(part, {}), mine.get(part, {}))


def input_differences(model, built):
    for operation in sorted(set(model.operations) | set(built)):
        if operation not in built:
            yield f"{operation}", ("an operation", "not built")
            continue
        if operation not in model.operations:
            yield f"{operation}", ("no such operation", "an operation")
            continue
        theirs, own = model.inputs(operation), {spec["path"]: spec for spec in built[operation]}
        for path in sorted(set(theirs) | set(own)):
            key = f"{operation}.{path}"
            if path not in own:
                yield key, ("a member", "not read")
            elif path not in theirs:
                yield key, ("no such member", "read")
            else:
                required, shape = theirs[path]
                if required != own[path]["required"]:
                    yield f"{key}:required", (required, own[path]["required"])
                yield from differing(key, shape, own[path]["shape"])


def paths_of(value, prefix=""):
    """The members that an answer has, and whether each stands in every structure of its kind."""
    if isinstance(value, list):
        for item in value:
            yield from paths_of(item, prefix + "member.")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield prefix + name
            yield from paths_of(inner, prefix + name + ".")


def structures_of(value, prefix=""):
    """Every structure of an answer with its path."""
    if isinstance(value, list):
        for item in value:
            yield from structures_of(item, prefix + "member.")
    elif isinstance(value, dict):
        yield prefix, value
        for name, inner in value.items():
            yield from structures_of(inner, prefix + name + ".")


def output_differences(model, seen):
    for operation in sorted(set(model.operations) & set(seen.called)):
        theirs = model.outputs(operation)
        maps = [path for path, (_, shape) in theirs.items() if shape["type"] == "map"]
        answers = seen.answers.get(operation, [])
        if not answers:
            yield f"{operation}>", ("an answer", "never one here")
            continue
        found = {path for answer in answers for path in paths_of(answer)}
        found = {path for path in found if not any(path.startswith(one + ".") for one in maps)}
        for path in sorted(found - set(theirs)):
            yield f"{operation}>{path}", ("no such member", "answered")
        for path in sorted(set(theirs) - found):
            yield f"{operation}>{path}", ("a member", "never answered here")
        missing = set()
        for answer in answers:
            for prefix, structure in structures_of(answer):
                for path, (required, _) in theirs.items():
                    within = path.startswith(prefix) and "." not in path[len(prefix):]
                    if required and within and path[len(prefix):] not in structure:
                        missing.add(path)
        for path in sorted(missing & found):
            yield f"{operation}>{path}:required", (True, "not always answered")
        for code in sorted(seen.errors.get(operation, set()) - model.errors(operation) - COMMON_ERRORS):
            yield f"{operation}!{code}", ("no such error", "answered")
    for operation in sorted(set(model.operations) - set(seen.called)):
        yield f"{operation}>", ("an operation", "the scenario never calls it")


def write(version, model, built, seen, reasons):
    lines = [
        "# Conformance",
        "",
        "What of Amazon Kinesis Data Streams is here, compared by machine with AWS's own service model",
        f"(botocore {version}). This page is written by `tests/clients/conformance/run write`; the suite of the same name",
        "fails when it is not true any more. \"Errors seen\" are those that the suite provokes, beside the four that every",
        "operation may have: " + ", ".join(f"`{code}`" for code in sorted(COMMON_ERRORS)) + ".",
        "",
        "## Operations",
        "",
        "| operation | members read | members answered | errors seen / in the model |",
        "|---|---|---|---|",
    ]
    for operation in sorted(model.operations):
        inputs, outputs = model.inputs(operation), model.outputs(operation)
        read = {spec["path"] for spec in built.get(operation, [])} & set(inputs)
        found = {path for answer in seen.answers.get(operation, []) for path in paths_of(answer)} & set(outputs)
        errors = sorted(seen.errors.get(operation, set()) & model.errors(operation))
        lines.append(
            f"| {operation} | {len(read)} of {len(inputs)} | {len(found)} of {len(outputs)} "
            f"| {len(errors)} / {len(model.errors(operation))}: {', '.join(errors) or 'none'} |"
        )
    lines += [
        "",
        "## Not built",
        "",
        "Answered as AWS answers what it does not know (400, `UnknownOperationException`): " + ", ".join(model.not_built) + ".",
        "",
        "## Deliberate differences",
        "",
        "| where | why |",
        "|---|---|",
    ]
    lines += [f"| `{pattern}` | {reason} |" for pattern, reason in sorted(reasons.items())]
    lines += [
        "",
        "`Operation.member` is a member of the input, `Operation>member` of the answer, `Operation!Code` an error; what",
        "follows a colon is the constraint that differs; `*` stands for anything.",
        "",
    ]
    return "\n".join(lines)


def matches(pattern, key):
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), key) is not None


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else "check"
    version, raw = model_of(None if mode == "newest" else PINNED)
    model, built = Model(raw), ours()
    seen = scenario.walk()
    differences = dict(input_differences(model, built)) | dict(output_differences(model, seen))
    reasons = json.loads((HERE / "deliberate.json").read_text())
    unexplained = {k: v for k, v in differences.items() if not any(matches(p, k) for p in reasons)}
    stale = [p for p in reasons if not any(matches(p, k) for k in differences)]
    for key, (aws, own) in sorted(unexplained.items()):
        print(f"  conformance: {key}: AWS {aws!r}, Nautilus {own!r}")
    for pattern in stale:
        print(f"  conformance: {pattern} stands in deliberate.json and is no difference")
    document = write(version, model, built, seen, reasons)
    if mode == "write":
        DOCUMENT.write_text(document)
    failed = bool(unexplained or stale)
    if mode == "check" and not failed and DOCUMENT.read_text() != document:
        print("  conformance: docs/conformance.md is not what is true; `tests/clients/conformance/run write` writes it")
        failed = True
    if mode == "newest":
        print(f"  conformance: against botocore {version}, {len(unexplained)} differences without a reason")
        return 0
    if failed:
        print("FAILED conformance", file=sys.stderr)
        return 1
    print(f"ok conformance: {len(model.operations)} operations against botocore {version}, "
          f"{len(differences)} differences, each with a reason")
    return 0


sys.exit(main())
