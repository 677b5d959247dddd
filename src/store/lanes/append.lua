-- KEYS lanes, total. ARGV lane prefix, seen prefix, window ms, live ms, lane max, total max, groups, then per group: lane, count,
-- count x (field, id, text). Returns one number per entry, in the order given: the lane's length after it, 0 = repeat,
-- -1 = full, -2 = the same envelope again, stored before. A group has at most 1000 entries (Lua's stack).

--- @include "lib/index-changes.lua"
--- @include "lib/append-groups.lua"

local results = {}
appendGroups(7, tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), results, false)
finish()
return results
