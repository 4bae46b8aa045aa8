"""Lets PyPI's torch for Linux run without CUDA: writes stand-ins for the CUDA libraries that it is linked against.

That wheel is a CUDA build. Its CPU half needs nothing of CUDA but that the libraries are found and have the functions that torch
names; the real ones take more room than torch. Here they are empty but for one function of many names that returns 100,
cudaErrorNoDevice, so that torch finds what it finds on any machine without a GPU. Where torch was built without CUDA (macOS) there
is nothing to do.

ELF: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
"""

import re
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

# Libraries of CUDA, and functions in them.
LIBRARY = re.compile(rb"lib(cuda|cu[a-zA-Z]+|nccl|nv[a-zA-Z_]+)\.so\.\d+")
FUNCTION = re.compile(rb"_*(cu|nccl|nv)\w+")

FUNCTIONS = b"libno_cuda.so"

# Return 100, by e_machine of the ELF header.
CODE = {62: bytes.fromhex("b864000000c3"), 183: bytes.fromhex("800c8052c0035fd6")}

PAGE = 0x10000
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
HEADER_SIZE = HEADER.size
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
DYNAMIC = struct.Struct("<qQ")
SEGMENT = struct.Struct("<IIQQQQQQ")
SHT_DYNAMIC, SHT_DYNSYM = 6, 11
PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_SONAME, DT_RUNPATH = 0, 1, 4, 5, 6, 10, 11, 14, 29


def imports_of(elf):
    """The libraries that an ELF file needs, and the names that it does not define itself."""
    at, = struct.unpack_from("<Q", elf, 0x28)
    size, count = struct.unpack_from("<HH", elf, 0x3A)
    sections = [SECTION.unpack_from(elf, at + i * size) for i in range(count)]
    needed, undefined = set(), set()
    for _, kind, _, _, offset, length, link, *_ in sections:
        if kind not in (SHT_DYNAMIC, SHT_DYNSYM):
            continue
        names = sections[link][4]

        def name(index):
            return elf[names + index : elf.index(0, names + index)]

        if kind == SHT_DYNAMIC:
            entries = DYNAMIC.iter_unpack(elf[offset : offset + length])
            needed |= {name(value) for tag, value in entries if tag == DT_NEEDED}
        else:
            symbols = SYMBOL.iter_unpack(elf[offset : offset + length])
            undefined |= {name(text) for text, _, _, section, _, _ in symbols if section == 0}
    return needed, undefined


def hash_of(name):
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high
    return value & 0xFFFFFFFF


def library(machine, soname, functions=(), needed=None):
    """An ELF library that defines `functions`, all of them the same code, and may need another one in the same folder."""
    strings = [b"", soname, *functions, b"$ORIGIN", needed or b""]
    places = [sum(len(string) + 1 for string in strings[:i]) for i in range(len(strings))]
    names = b"\0".join(strings) + b"\0"
    count = len(functions) + 1
    buckets, chain = [0] * count, [0] * count
    for i, function in enumerate(functions, 1):
        bucket = hash_of(function) % count
        chain[i], buckets[bucket] = buckets[bucket], i
    table = struct.pack(f"<{2 + 2 * count}I", count, count, *buckets, *chain)
    at_table = HEADER_SIZE + 3 * SEGMENT.size
    at_symbols = aligned(at_table + len(table), 8)
    at_names = at_symbols + SYMBOL.size * count
    at_code = aligned(at_names + len(names), 16)
    code = CODE[machine]
    at_dynamic = aligned(at_code + len(code), PAGE)
    # A global function (0x12) of a section without a header; any number but 0 says that it is defined.
    symbols = [(0, 0, 0, 0, 0, 0), *((place, 0x12, 0, 1, at_code, len(code)) for place in places[2:count + 1])]
    tags = [(DT_SONAME, places[1]), (DT_HASH, at_table), (DT_SYMTAB, at_symbols), (DT_SYMENT, SYMBOL.size)]
    tags += [(DT_STRTAB, at_names), (DT_STRSZ, len(names))]
    tags += [(DT_NEEDED, places[-1]), (DT_RUNPATH, places[-2])] if needed else []
    dynamic = b"".join(DYNAMIC.pack(*tag) for tag in [*tags, (DT_NULL, 0)])
    segments = segment(PT_LOAD, 5, 0, at_code + len(code)) + segment(PT_LOAD, 6, at_dynamic, len(dynamic))
    segments += segment(PT_DYNAMIC, 6, at_dynamic, len(dynamic))
    header = HEADER.pack(b"\x7fELF\x02\x01\x01", 3, machine, 1, 0, HEADER_SIZE, 0, 0, HEADER_SIZE, SEGMENT.size, 3, 64, 0, 0)
    out = bytearray(at_dynamic) + dynamic
    parts = [(0, header + segments), (at_table, table), (at_symbols, b"".join(SYMBOL.pack(*one) for one in symbols))]
    for at, part in [*parts, (at_names, names), (at_code, code)]:
        out[at : at + len(part)] = part
    return bytes(out)


def segment(kind, flags, at, size):
    return SEGMENT.pack(kind, flags, at, at, at, size, size, PAGE if kind == PT_LOAD else 8)


def aligned(at, to):
    return at + -at % to


def main():
    if sys.platform != "linux":
        return
    folder = Path(find_spec("torch").origin).parent / "lib"
    files = [path.read_bytes() for path in sorted(folder.glob("lib*.so"))]
    imports = [imports_of(file) for file in files]
    needed = sorted({name for names, _ in imports for name in names if LIBRARY.fullmatch(name)})
    functions = sorted({name for _, names in imports for name in names if FUNCTION.fullmatch(name)})
    machine, = struct.unpack_from("<H", files[0], 0x12)
    # The functions stand in a library of their own: torch asks for them with versions, and ld.so takes one without a version from
    # any library but the one that was named.
    (folder / FUNCTIONS.decode()).write_bytes(library(machine, FUNCTIONS, functions))
    for soname in needed:
        (folder / soname.decode()).write_bytes(library(machine, soname, needed=FUNCTIONS))


if __name__ == "__main__":
    main()
