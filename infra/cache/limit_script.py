"""The script that counts a batch of requests at once in Valkey, and the bytes that it takes and gives.

Everything that it reads and writes happens in one step, by Valkey's clock, so the count is exact over all processes.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache

from commands.limits import Count, Limit, Use
from infra.cache.windows import counted

# KEYS: the windows, each once. ARGV: for each request the number of its uses, and of each the place of its window in
# KEYS, most, and milliseconds. Gives for each use: milliseconds since the start of its window, count, count before, and
# whether it was this one that refused the request.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local asked, at = ARGV[1], 1
local windows, out = {}, {}

local function window(number, span)
    local found = windows[number]
    if found then
        return found
    end
    found = {start = now, count = 0, before = 0, span = span}
    local kept = redis.call('GET', KEYS[number])
    if kept then
        local start, count, before = struct.unpack('<ddd', kept)
        local passed = now - start
        if passed >= 0 and passed < span then
            found.start, found.count, found.before = start, count, before
        elseif passed >= span and passed < 2 * span then
            found.start, found.before = start + span, count
        end
    end
    windows[number] = found
    return found
end

while at <= #asked do
    local number, most, span, uses
    local used, full, fits = {}, {}, true
    uses, at = struct.unpack('<B', asked, at)
    for i = 1, uses do
        number, most, span, at = struct.unpack('<HI4I4', asked, at)
        local found = window(number, span)
        used[i], full[i] = found, 0
        if found.count + found.before * (1 - (now - found.start) / span) + 1 > most then
            full[i], fits = 1, false
        end
    end
    for i = 1, uses do
        local found = used[i]
        if fits then
            found.count = found.count + 1
            found.changed = true
        end
        out[#out + 1] = struct.pack('<I4I4I4B', now - found.start, found.count, found.before, full[i])
    end
end
for number, found in pairs(windows) do
    if found.changed then
        local kept = struct.pack('<ddd', found.start, found.count, found.before)
        redis.call('SET', KEYS[number], kept, 'PX', 2 * found.span)
    end
end
return table.concat(out)
"""

_use = struct.Struct("<HII").pack
_rows = struct.Struct("<IIIB").iter_unpack


def packed(requests: Sequence[Sequence[Use]]) -> tuple[list[bytes], bytes]:
    """Keys and argument for a batch of requests."""
    places: dict[bytes, int] = {}
    parts = []
    for uses in requests:
        parts.append(b"%c" % len(uses))
        for limit, key in uses:
            place = places.setdefault(_window(limit, key), len(places) + 1)
            parts.append(_use(place, limit.most, limit.seconds * 1000))
    return list(places), b"".join(parts)


@lru_cache(maxsize=20_000)
def _window(limit: Limit, key: str) -> bytes:
    return f"limit:{limit.name}:{limit.seconds}:{key}".encode()


def unpacked(requests: Sequence[Sequence[Use]], answer: bytes) -> Iterator[list[Count]]:
    """What the script says of each request."""
    rows = _rows(answer)
    for uses in requests:
        found = []
        for limit, _ in uses:
            passed, count, before, full = next(rows)
            found.append(counted(limit, count, before, passed / 1000, full=full == 1))
        yield found
