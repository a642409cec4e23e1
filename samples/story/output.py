"""Writes a folder of made files, or says which of the committed ones are not what would be made."""
import pathlib
import sys


def settle(folder, files, check, script):
    """files: {name: bytes}. With check nothing is written. Returns the exit status; a README.md is left alone."""
    folder = pathlib.Path(folder)
    if not check:
        folder.mkdir(exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    wrong = [name for name, data in files.items() if not (folder / name).is_file() or (folder / name).read_bytes() != data]
    wrong += sorted(path.name for path in folder.glob("*") if path.name not in files and path.name != "README.md")
    for name in wrong:
        print(f"samples/{folder.name}/{name} is not what {script} makes: run it, or remove the file", file=sys.stderr)
    return 1 if wrong else 0
