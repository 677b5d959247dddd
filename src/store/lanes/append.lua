-- ARGV window ms, live ms, lane max, parts, then the parts (lib/parts.lua): KEYS lanes, total, groups; ARGV where a lane's
-- name begins in its key, span of time of the window, room (inf: not bounded), count of groups, groups
-- (lib/append-groups.lua). The answer of a part: one number per entry, in the order given: the lane's length after it,
-- 0 = repeat, -1 = full, -2 = the same envelope again, stored before; and the sum of the shard's envelopes. It is 'SPAN n'
-- when another span of time has begun: nothing was done. A group has at most 1000 entries (Lua's stack).

--- @include "lib/parts.lua"
--- @include "lib/index-changes.lua"
--- @include "lib/append-groups.lua"

local windowMs, liveMs, laneMax = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local span, second = spanNow(windowMs)

return eachPart(5, function(k, at)
  if ARGV[at + 1] ~= span then return 'SPAN ' .. span end
  begin(KEYS[k], KEYS[k + 1], tonumber(ARGV[at]))
  local results = {}
  appendGroups(k + 2, at + 3, span, second, windowMs, liveMs, laneMax, tonumber(ARGV[at + 2]), results, false)
  return {results, finish()}
end)
