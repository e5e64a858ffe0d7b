"""Keeps the ladder of docs/ARCHITECTURE.md: tests/rooms.py SOURCE_DIRECTORY

The compiler keeps a room from including what it does not link. It lets through what another room passes on, and what
CMake is told to link though the ladder has no such rung; those are looked at here."""
import re
import sys
from pathlib import Path

# Who may name a gateway: only what puts the program together. Its folder can be deleted.
NAMES_GATEWAYS = {"server"}
# Pure: bytes and values. They see nothing but base, and nobody but those who translate sees both.
PURE = re.compile(r"wire/.*|model|base")


def declared(source):
    """The rooms and what each depends on, as src/CMakeLists.txt says."""
    text = (source / "src/CMakeLists.txt").read_text()
    rooms = {}
    for name, arguments in re.findall(r"posthorn_room\(([\w/]+)([^)]*)\)", text):
        lists = re.split(r"\b(DEPENDS|LIBRARIES|TEST_DEPENDS|WITHOUT)\b", arguments)
        depends = [lists[n + 1].split() for n in range(1, len(lists), 2) if "DEPENDS" in lists[n]]
        rooms[name] = {one for some in depends for one in some}
    for depends in rooms.values():
        if "${gateways}" in depends:
            depends.remove("${gateways}")
            depends |= {room for room in rooms if room.startswith("gateway/")}
    return rooms


def included(source, room, rooms):
    """Rooms whose headers the files of this one name, and where."""
    for path in sorted((source / "src" / room).rglob("*")):
        inside = path.relative_to(source / "src").as_posix()
        owner = max((one for one in rooms if inside.startswith(one + "/")), key=len, default=None)
        if path.suffix not in (".h", ".cc") or owner != room:
            continue
        for line in path.read_text().splitlines():
            header = re.match(r'#include "([^"]+/[^"]+)"', line)
            if not header:
                continue
            other = max((one for one in rooms if header[1].startswith(one + "/")), key=len, default=None)
            if other not in (None, room):
                yield other, inside


def cycle(rooms):
    left = {room: set(depends) & set(rooms) for room, depends in rooms.items()}
    while left:
        free = [room for room, depends in left.items() if not depends & set(left)]
        if not free:
            return sorted(left)
        for room in free:
            del left[room]
    return []


def main(source):
    rooms = declared(source)
    wrong = [f"these rooms depend on each other in a circle: {', '.join(cycle(rooms))}"] if cycle(rooms) else []
    for room, depends in rooms.items():
        gateways = [one for one in depends if one.startswith("gateway/")]
        if gateways and room not in NAMES_GATEWAYS:
            wrong.append(f"src/CMakeLists.txt: {room} links {gateways[0]}; only {', '.join(NAMES_GATEWAYS)} may")
        if PURE.fullmatch(room) and depends - {"base"}:
            wrong.append(f"src/CMakeLists.txt: {room} is to see nothing but base")
        for other, where in included(source, room, rooms):
            if other not in depends:
                wrong.append(f"src/{where} includes a header of {other}, which {room} does not depend on")
    print("\n".join(wrong) or f"{len(rooms)} rooms, all edges go down")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
